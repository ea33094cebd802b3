import { type Command } from 'commander';
import { ConfigError } from '../config.ts';
import { isDiskFault } from '../core/store-fault.ts';

/** Exit codes of all commands: sysexits.h for 70, 74, 75 and 78, shells for 128 + SIGINT or SIGPIPE. */
export const EXIT = {
  failed: 1,
  usage: 2,
  software: 70,
  disk: 74,
  unfinished: 75,
  config: 78,
  interrupted: 130,
  pipe: 141,
} as const;

/** A command cannot do what it was asked; the message is one sentence for the person who typed it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed, options: ErrorOptions = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** An action that ends with its exit code; what it throws for the user is told on stderr. */
export function guarded<Args extends readonly unknown[]>(
  action: (...args: Args) => Promise<number>,
): (...args: [...Args, ...rest: Command[]]) => Promise<void> {
  return async (...args) => {
    try {
      process.exitCode = await action(...(args as unknown as Args));
    } catch (error) {
      if (error instanceof CommandError) {
        process.stderr.write(`error: ${error.message}\n`);
        process.exitCode = error.exitCode;
      } else if (error instanceof ConfigError) {
        process.stderr.write(`${error.message}\n`);
        process.exitCode = EXIT.config;
      } else throw error;
    }
  };
}

/** The system's own code of a failed file operation, for a sentence. */
export function systemCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

/** With which code a command ends that a file operation, or the database, has stopped. */
export function exitOf(error: unknown): number {
  return isDiskFault(error) ? EXIT.disk : EXIT.failed;
}
