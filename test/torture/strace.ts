import { spawnSync } from 'node:child_process';

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
