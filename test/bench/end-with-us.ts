import type { ChildProcess } from 'node:child_process';

/** Nothing of ours may outlive a bench that failed. */
export function endWithUs(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}
