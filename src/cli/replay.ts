import { Command, Option } from 'commander';
import { guarded } from './command-error.ts';
import { share, usd, wholeNumber } from './options.ts';
import type { ReplayOptions } from './replay-run.ts';

export function replayCommand(): Command {
  return new Command('replay')
    .description('Drafts past tickets again and compares with what people answered: before you change anything.')
    .requiredOption('--solved <file>', 'tickets that people have answered: lines of JSON')
    .option('--articles <path>', 'help articles: lines of JSON, a .md or .html file, or a folder')
    .addOption(new Option('--sample <n>', 'how many tickets are drafted').argParser(wholeNumber).default(200))
    .addOption(new Option('--budget-usd <usd>', 'stop before this replay has cost more; needed').argParser(usd))
    .option('--model <name>', 'the model that drafts (default LLM_MODEL)')
    .option('--guidelines <file>', "the team's guidelines, Markdown (default GUIDELINES_FILE)")
    .option('--config <file>', 'the rules, YAML (default DRAFTDESK_CONFIG)')
    .option('--against <run>', 'the run to compare with (default: the last one)')
    .addOption(
      new Option('--max-regress <n>', 'how much worse it may be, of similarity and of declines, 0 to 1')
        .argParser(share)
        .default(0.02),
    )
    .option('--out <folder>', 'where runs and reports are kept (default: beside the file, FILE.replay)')
    .addOption(
      new Option('--lane <lane>', 'flex: at half the price, slower, where the provider has it').choices([
        'standard',
        'flex',
      ]),
    )
    .addOption(new Option('--concurrency <n>', 'tickets in flight (default WORKER_CONCURRENCY)').argParser(wholeNumber))
    .option('--dry-run', 'say what it would cost and how long it would take; no call to the model')
    .option('--show', 'print the texts of the worst ten, too')
    .option('--json', 'one JSON object at the end instead of the progress bar and the table')
    .addHelpText(
      'after',
      `
The files are those of draftdesk knowledge import. Each ticket is drafted with
what was known before it was solved, without itself and its customer's others.
Nothing is posted. The report page and the folder hold what customers wrote:
both are for your eyes only.

Exit codes:
  0    not worse than the last run
  1    worse by more than --max-regress, not by chance; or some have failed
  75   stopped by a budget
  78   a setting is wrong
  130  interrupted
After 75, 78 and 130 the same command goes on; nothing is paid twice.

Examples:
  $ draftdesk replay --solved solved.jsonl --articles ./help --dry-run
  $ draftdesk replay --solved solved.jsonl --articles ./help --budget-usd 2
  $ draftdesk replay --solved solved.jsonl --model gpt-5-mini --budget-usd 2`,
    )
    .action(
      guarded(async (options: ReplayOptions) => {
        // SQLite and the LLM's client are loaded here only: the other commands do without them
        const { runReplay } = await import('./replay-run.ts');
        return await runReplay(options);
      }),
    );
}
