import { describeFault } from '../core/errors.ts';
import { isDiskFault } from '../core/store-fault.ts';
import { EXIT, systemCode } from './command-error.ts';
import { readEnvironment } from './environment.ts';

/** From now on a fault that nobody caught ends the process: going on would be on unknown ground. */
export function dieOfFaults(): void {
  process.on('uncaughtException', dieOf);
  process.on('unhandledRejection', dieOf);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', (error) => endOutput(stream, error));
}

/** A reader who has seen enough (head, less) ends a command without a word, as SIGPIPE ends other programs. */
function endOutput(stream: NodeJS.WriteStream, error: unknown): void {
  // somebody else sees to it: the log of a service goes on without its reader
  if (stream.listenerCount('error') > 1) return;
  if (systemCode(error) === 'EPIPE') process.exit(EXIT.pipe);
  dieOf(error);
}

/** One line without the fault's message (which might hold ticket text), then out. */
export function dieOf(error: unknown): never {
  if (isDiskFault(error)) {
    process.stderr.write(
      `error: A file cannot be read or written (${systemCode(error)}). See to the disk and the rights on it, then start again.\n`,
    );
    process.exit(EXIT.disk);
  }
  process.stderr.write(`draftdesk: fatal ${describeFault(error)}\n`);
  process.exit(EXIT.software);
}

/** Shorter values would be found in any text. */
const SECRET_MIN_LENGTH = 6;

/** A text of somebody else's (a driver, the system) without what our own settings keep secret. */
export function withoutSecrets(
  text: string,
  env: Readonly<Record<string, string | undefined>> = readEnvironment(),
): string {
  const secrets = Object.entries(env)
    .filter(([name]) => /(KEY|SECRET|TOKEN|PASSWORD|HEADERS)S?$/.test(name))
    .flatMap(([, value = '']) => [value, ...value.split(',')].map((secret) => secret.trim()))
    .filter((secret) => secret.length >= SECRET_MIN_LENGTH);
  return secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}
