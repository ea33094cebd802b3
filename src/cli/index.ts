import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { batchCommand } from './batch.ts';
import { packagePath } from './package-path.ts';
import { sandboxCommand } from './sandbox.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';

/** Runs one command line; sets `process.exitCode`. */
export async function run(argv: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };
  const program = new Command('draftdesk')
    .description('Turns support tickets into draft replies that agents only have to check.')
    .version(version)
    .addCommand(serveCommand())
    .addCommand(sandboxCommand())
    .addCommand(batchCommand())
    .addCommand(statusCommand());
  await program.parseAsync(argv);
}
