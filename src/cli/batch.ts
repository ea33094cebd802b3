import { setFlagsFromString } from 'node:v8';
import { Command, Option } from 'commander';
import { operateCommands } from './batch-operate.ts';
import type { BatchRunOptions } from './batch-run.ts';
import { startCommand } from './batch-start.ts';
import { guarded } from './command-error.ts';
import { usd, wholeNumber } from './options.ts';

export function batchCommand(): Command {
  const command = new Command('batch')
    .description('Drafts for many tickets: from a file without a helpdesk (run), or at a running service (the others).')
    .addHelpText(
      'after',
      `
All but run talk to the service at DRAFTDESK_URL (http://127.0.0.1:8787) with
ADMIN_TOKEN. Settings come from the environment or from .env.

Examples:
  $ draftdesk batch run tickets.jsonl --out drafts.jsonl
  $ draftdesk batch start --helpdesk zendesk --status open --hold --watch`,
    );
  for (const each of [runCommand(), startCommand(), ...operateCommands()]) command.addCommand(each);
  return command;
}

function runCommand(): Command {
  return new Command('run')
    .description('Drafts the tickets of a file. Needs the LLM settings only; goes on where it stopped when run again.')
    .argument('<file>', 'tickets: .jsonl lines or .csv rows with id, subject and description (HTML or text)')
    .option('--out <file>', 'where the drafts go: .jsonl or .csv with id, status, draft, error, attempts, durationMs')
    .option('--dry-run', 'say what it would cost and how long it would take; no call to the model')
    .option('--retry', 'try tickets again that are dead')
    .addOption(new Option('--limit <n>', 'only the first n tickets of the file').argParser(wholeNumber))
    .addOption(new Option('--concurrency <n>', 'tickets in flight (default WORKER_CONCURRENCY)').argParser(wholeNumber))
    .addOption(
      new Option('--budget-usd <usd>', 'stop before this file has cost more, earlier runs included').argParser(usd),
    )
    .addOption(
      new Option('--lane <lane>', 'flex: at half the price, slower, where the provider has it').choices([
        'standard',
        'flex',
      ]),
    )
    .option('--guidelines <file>', "the team's guidelines, Markdown (default GUIDELINES_FILE)")
    .option('--force', 'replace lines of --out that are not of this run')
    .option('--json', 'one JSON object at the end instead of the progress bar and the table')
    .addHelpText(
      'after',
      `
Exit codes:
  0    every line is drafted or skipped
  1    some are dead or broken
  75   stopped by a budget
  78   a setting is wrong
  130  interrupted
After 75, 78 and 130 the same command goes on; nothing is paid twice.

Examples:
  $ draftdesk batch run tickets.jsonl --dry-run
  $ draftdesk batch run tickets.jsonl --out drafts.jsonl --limit 20
  $ draftdesk batch run tickets.csv --out drafts.csv`,
    )
    .action(
      guarded(async (file: string, options: BatchRunOptions) => {
        // A nursery that does not grow, and no middle compiler (glibc keeps the memory it worked in): at 10,000 lines
        // 136 instead of 284 MB, for 0.6 ms CPU a line. The service is spared it: see npm start.
        setFlagsFromString('--semi-space-growth-factor=1');
        setFlagsFromString('--no-maglev');
        // SQLite and the LLM's client are loaded here only: the other commands do without them
        const { runBatchFile } = await import('./batch-run.ts');
        return await runBatchFile(file, options);
      }),
    );
}
