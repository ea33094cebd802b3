import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { BATCH_COLUMNS, type BatchStatus, describeBatch } from './batch-state.ts';
import { watchBatch } from './batch-watch.ts';
import { CommandError, EXIT, guarded, systemCode } from './command-error.ts';
import { share } from './options.ts';
import { connect } from './service-client.ts';
import { jsonLine } from './shown.ts';

interface Json {
  readonly json?: true;
}

/** Everything that is done to a batch by its id. */
export function operateCommands(): Command[] {
  return [
    withId('watch', 'Follows a batch until it is over. Exit code 0, or 1 when tickets are dead.', {
      json: 'one JSON object a line, each time something changes',
    }).action(guarded(async (id: string, { json }: Json) => await watchBatch(connect(), id, json === true))),
    withId('pause', 'Takes no more of its tickets; what is under way finishes.').action(act('pause')),
    withId('resume', 'Goes on with a paused or cancelled batch.').action(act('resume')),
    withId('cancel', 'Stops a batch at once. Posted notes stay.').action(act('cancel')),
    withId('retry', 'Dead and cancelled tickets go back to work.', { example: '--error-class timeout' })
      .option('--error-class <class>', 'only those that died of it, e.g. timeout')
      .action(act('retry', ({ errorClass }) => (errorClass === undefined ? {} : { errorClass }))),
    withId('release', 'Posts the drafts that --hold has kept.', { example: '--min-confidence 0.8' })
      .addOption(new Option('--min-confidence <c>', 'only drafts so sure of themselves, 0 to 1').argParser(share))
      .action(act('release', ({ minConfidence }) => (minConfidence === undefined ? {} : { minConfidence }))),
    withId('results', 'Writes one JSON line per ticket: id, status, draft, error, attempts, durationMs.', {
      json: 'changes nothing: results are JSON lines (NDJSON) anyway',
      example: '--out results.jsonl',
    })
      .option('--out <file>', 'into this file instead of the standard output')
      .action(guarded(writeResults)),
    new Command('list')
      .description('Lists the batches, newest first.')
      .option('--json', 'one JSON object a line')
      .addHelpText('after', '\nExample:\n  $ draftdesk batch list')
      .action(guarded(listBatches)),
  ];
}

function withId(name: string, description: string, { json = 'answers as JSON', example = '' } = {}): Command {
  // on a line of its own: with the id it would not fit 80 columns
  const more = example === '' ? [] : [example];
  const id = '019ab3c4-0000-7000-8000-000000000000';
  return new Command(name)
    .description(description)
    .argument('<id>', 'of the batch, as batch start and batch list print it')
    .option('--json', json)
    .addHelpText('after', `\nExample:\n  $ draftdesk batch ${[`${name} ${id}`, ...more].join(' \\\n      ')}`);
}

interface ActionOptions extends Json {
  readonly errorClass?: string;
  readonly minConfidence?: number;
}

function act(action: string, bodyOf: (options: ActionOptions) => object | undefined = () => undefined) {
  return guarded(async (id: string, options: ActionOptions) => {
    const path = `/admin/batches/${encodeURIComponent(id)}/${action}`;
    const batch = await connect().post<BatchStatus>(path, bodyOf(options));
    process.stdout.write(options.json === true ? jsonLine(batch) : `${BATCH_COLUMNS}\n${describeBatch(batch)}\n`);
    return 0;
  });
}

async function writeResults(id: string, { out }: { readonly out?: string }): Promise<number> {
  const body = Readable.fromWeb(
    (await connect().stream(`/admin/batches/${encodeURIComponent(id)}/results.ndjson`)) as Parameters<
      typeof Readable.fromWeb
    >[0],
  );
  try {
    if (out === undefined) await pipeline(body, process.stdout, { end: false });
    else await pipeline(body, createWriteStream(out));
  } catch (error) {
    // whoever reads us (head, less) has enough
    if (systemCode(error) === 'EPIPE') return EXIT.pipe;
    throw new CommandError(`The results were cut off (${systemCode(error)}): fetch them again.`, undefined, {
      cause: error,
    });
  }
  return 0;
}

async function listBatches({ json }: Json): Promise<number> {
  const client = connect();
  let cursor: string | null = null;
  let found = 0;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: BatchStatus[]; nextCursor: string | null } = await client.get(
      `/admin/batches?limit=100${query}`,
    );
    if (found === 0 && page.items.length > 0 && json !== true) process.stdout.write(`${BATCH_COLUMNS}\n`);
    for (const batch of page.items) process.stdout.write(json === true ? jsonLine(batch) : `${describeBatch(batch)}\n`);
    found += page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== null);
  if (found === 0 && json !== true) process.stdout.write('There are no batches yet.\n');
  return 0;
}
