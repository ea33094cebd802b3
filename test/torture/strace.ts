import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/** Is strace here, and may we trace? In CI it comes from apt where that can be had. */
export function hasStrace(): boolean {
  return spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'trace=none', 'true']).status === 0;
}

/** Kills the process on its way into the n-th fsync. */
export function killAtFsync(n: number): readonly string[] {
  const calls = 'fsync,fdatasync';
  return [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${calls}`,
    '-e',
    `inject=${calls}:signal=SIGKILL:when=${n}`,
  ];
}

/** Kills it at the n-th write into one file: into the database itself SQLite writes in checkpoints only. */
export function killAtWrite(n: number, path: string): readonly string[] {
  const inject = `inject=pwrite64:signal=SIGKILL:when=${n}`;
  return ['strace', '-f', '-qq', '-o', '/dev/null', '-P', path, '-e', 'trace=pwrite64', '-e', inject];
}

/** From now on each fsync of a running process takes this much longer, ms; until the answer is sent a SIGINT. */
export function slowFsync(pid: number, delayMs: number): ChildProcess {
  const calls = 'fsync,fdatasync';
  const inject = `inject=${calls}:delay_enter=${delayMs * 1000}`;
  const args = ['-f', '-qq', '-o', '/dev/null', '-p', String(pid), '-e', `trace=${calls}`, '-e', inject];
  return spawn('strace', args, { stdio: 'ignore' });
}
