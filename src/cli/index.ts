import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { auditCommand } from './audit.ts';
import { backupCommand } from './backup.ts';
import { batchCommand } from './batch.ts';
import { completionCommand } from './completion.ts';
import { EXIT } from './command-error.ts';
import { doctorCommand } from './doctor/doctor.ts';
import { configCommand } from './config-check.ts';
import { connectCommand } from './connect.ts';
import { dieOfFaults } from './fatal.ts';
import { eraseCommand } from './erase.ts';
import { initCommand } from './init.ts';
import { packagePath } from './package-path.ts';
import { knowledgeCommand } from './knowledge.ts';
import { replayCommand } from './replay.ts';
import { sandboxCommand } from './sandbox.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { tokenCommand } from './token.ts';

/** The table of commands. */
export function createProgram(version: string): Command {
  return new Command('draftdesk')
    .description('Turns support tickets into draft replies that agents only have to check.')
    .version(version)
    .addCommand(sandboxCommand())
    .addCommand(initCommand())
    .addCommand(connectCommand())
    .addCommand(serveCommand())
    .addCommand(batchCommand())
    .addCommand(knowledgeCommand())
    .addCommand(replayCommand())
    .addCommand(statusCommand())
    .addCommand(backupCommand())
    .addCommand(doctorCommand())
    .addCommand(configCommand())
    .addCommand(tokenCommand())
    .addCommand(auditCommand())
    .addCommand(eraseCommand())
    .addCommand(completionCommand())
    .addHelpText(
      'after',
      `
Examples:
  $ draftdesk sandbox
  $ draftdesk init
  $ draftdesk connect zendesk
  $ draftdesk batch run tickets.jsonl --dry-run
  $ draftdesk batch start --help`,
    );
}

/** Runs one command line; sets `process.exitCode`. */
export async function run(argv: readonly string[]): Promise<void> {
  dieOfFaults();
  const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };
  const program = createProgram(version);
  tellUsage(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander has said what is wrong; asked for help it ends with 0, for a wrong command line with 1
    process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
  }
}

/** Wrong usage is thrown instead of ending the process, in every command: added ones do not inherit it. */
function tellUsage(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for what can be given and an example)');
  for (const each of command.commands) tellUsage(each);
}
