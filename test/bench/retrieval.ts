import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { seededRandom, systemClock } from '../../src/core/clock.ts';
import type { Article, KnowledgeBase, SolvedTicket } from '../../src/core/knowledge-base.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { createBenchEmbedder } from './embedder.ts';
import { openKnowledgeBase } from '../../src/sqlite/knowledge-base.ts';
import { type LabelledTicket, readRetrievalData, type RetrievalFiles } from './retrieval-data.ts';

/*
 * `npm run bench:retrieval -- --data FOLDER`: how often an article that people linked is among the first that a search
 * finds, and how long that takes, through the service's own knowledge base. retrieval.md names the protocols:
 * T only what was solved a week before vouches, tested on the newest 40 % · C five folds of customers, the other four
 * vouch · H another file vouches (`--history-tickets`). With EMBEDDINGS_MODEL set, vectors are used as the service would;
 * each text is paid for once in a run.
 */

const WEEK = 7 * 86_400_000;
const FOLDS = 5;
const DRAWS = 5;
const THIN_HISTORY = 200;
const PUT_AT_ONCE = 200;
const KS = [1, 3, 5, 10] as const;
const SHARES = [0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5] as const;

interface Options extends RetrievalFiles {
  readonly history: 'all' | 'full' | '200' | 'none';
  readonly scale?: boolean;
  readonly seed: string;
}

const options = new Command('bench:retrieval')
  .requiredOption('--data <folder>', 'with knowledge.jsonl, tickets.jsonl and relevance.jsonl')
  .option('--tickets <file>', 'tickets to be tested, instead of the folder’s')
  .option('--relevance <file>', 'which article answers which of them')
  .option('--history-tickets <file>', 'solved tickets that vouch, from another file')
  .option('--history-relevance <file>', 'which article answers which of those')
  .option('--history <size>', 'all (default), full, 200 or none', 'all')
  .option('--scale', 'also with 100,000 solved tickets')
  .option('--seed <n>', 'of the folds and draws', '1')
  .parse()
  .opts<Options>();

// EMBEDDINGS_MODEL and the settings that go with it, as for the service
const embedder = createBenchEmbedder(process.env);

interface Base extends Disposable {
  readonly base: KnowledgeBase;
  readonly indexMs: number;
  readonly fileMb: () => number;
}

async function open(articles: readonly Article[], solved: readonly SolvedTicket[]): Promise<Base> {
  const folder = mkdtempSync(join(tmpdir(), 'draftdesk-retrieval-'));
  const path = join(folder, 'knowledge.db');
  const migrationsFolder = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url));
  const connection = openDatabase({ path, migrationsFolder });
  const base = openKnowledgeBase(connection, { clock: systemClock(), embedder: embedder?.questions });
  const startedAt = performance.now();
  for (let at = 0; at < articles.length; at += PUT_AT_ONCE) {
    await base.putArticles('bench', articles.slice(at, at + PUT_AT_ONCE));
  }
  for (let at = 0; at < solved.length; at += PUT_AT_ONCE) {
    await base.putSolved('bench', solved.slice(at, at + PUT_AT_ONCE));
  }
  const indexMs = performance.now() - startedAt;
  await embedder?.fill(base.vectors);
  return {
    base,
    indexMs,
    fileMb: () => statSync(path).size / 1e6 + (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) / 1e6,
    [Symbol.dispose]: () => {
      connection.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Result {
  readonly english: boolean;
  /** Place of the first labelled article, 0-based; -1: not among the first ten. */
  readonly place: number;
  /** Of the first article. */
  readonly share: number;
}

async function test(base: KnowledgeBase, tickets: readonly LabelledTicket[], gapMs: number | null): Promise<Result[]> {
  const results: Result[] = [];
  for (const { solved, english, articles, createdAt } of tickets) {
    const found = await base.search({
      subject: solved.subject,
      text: solved.description,
      customer: solved.customer,
      ticketId: solved.id,
      locale: null,
      before: gapMs === null ? null : createdAt - gapMs,
      limit: 10,
    });
    const place = found.articles.findIndex(({ id }) => articles.includes(id));
    results.push({ english, place, share: found.articles[0]?.share ?? 0 });
  }
  return results;
}

function hit(results: readonly Result[], k: number): number {
  return results.filter(({ place }) => place >= 0 && place < k).length / Math.max(1, results.length);
}

function show(what: string, results: readonly Result[]): void {
  const cells = [true, false].map((english) => {
    const of = results.filter((result) => result.english === english);
    const spread = 1.96 * Math.sqrt((hit(of, 5) * (1 - hit(of, 5))) / Math.max(1, of.length));
    return `${of.length} | ${KS.map((k) => hit(of, k).toFixed(3).slice(1)).join(' ')} ± ${spread.toFixed(3).slice(1)}`;
  });
  process.stdout.write(`| ${what} | ${cells.join(' | ')} |\n`);
}

function showShares(results: readonly Result[]): void {
  process.stdout.write(
    `\n| share of the first ≥ | ${SHARES.join(' | ')} |\n| --- |${SHARES.map(() => ' --- |').join('')}\n`,
  );
  for (const english of [true, false]) {
    const of = results.filter((result) => result.english === english);
    const cells = SHARES.map((least) => {
      const kept = of.filter(({ share }) => share >= least);
      return `${(kept.length / Math.max(1, of.length)).toFixed(2)} / ${hit(kept, 1).toFixed(2)} / ${hit(kept, 5).toFixed(2)}`;
    });
    process.stdout.write(`| ${english ? 'English' : 'other'}: kept / hit@1 / hit@5 | ${cells.join(' | ')} |\n`);
  }
}

/** Evenly, the same for the same seed; a customer's tickets stay together. */
function foldOf(customer: string | null, seed: number): number {
  let hash = seed;
  for (const sign of customer ?? '') hash = Math.imul(hash ^ (sign.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 8) % FOLDS;
}

function draw(tickets: readonly LabelledTicket[], count: number, seed: number): LabelledTicket[] {
  const random = seededRandom(seed);
  return tickets
    .map((ticket) => ({ ticket, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ ticket }) => ticket);
}

const solvedOf = (tickets: readonly LabelledTicket[]): SolvedTicket[] => tickets.map(({ solved }) => solved);
const { articles, tickets, history } = readRetrievalData(options);
const labelled = tickets.filter((ticket) => ticket.articles.length > 0);
const seed = Number(options.seed);
const wants = (size: Options['history']): boolean => options.history === 'all' || options.history === size;

process.stdout.write(
  `${articles.length} articles, ${tickets.length} tickets, ${labelled.length} with a label; hit@1 @3 @5 @10, 95 % interval of @5\n\n`,
);
// first: memory is compared with a process that has done nothing yet
await showSpeed(10_000);
if (options.scale === true) await showSpeed(100_000);
process.stdout.write('\n| history | English | | other | |\n| --- | --- | --- | --- | --- |\n');
let calibration: readonly Result[] = [];
if (wants('full') && history === null) {
  using full = await open(articles, solvedOf(tickets));
  const newest = labelled.toSorted((a, b) => a.createdAt - b.createdAt).slice(Math.floor(labelled.length * 0.6));
  calibration = await test(full.base, newest, WEEK);
  show('T: all older by a week, newest 40 %', calibration);
  const folds: Result[] = [];
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const inFold = (ticket: LabelledTicket): boolean => foldOf(ticket.solved.customer, seed) === fold;
    using others = await open(articles, solvedOf(tickets.filter((ticket) => !inFold(ticket))));
    folds.push(...(await test(others.base, labelled.filter(inFold), null)));
  }
  show('C: five folds of customers', folds);
}
if (wants('full') && history !== null) {
  using full = await open(articles, solvedOf(history));
  calibration = await test(full.base, labelled, null);
  show('H: the other file', calibration);
}
if (wants('200')) {
  const pool = (history ?? tickets).filter((ticket) => ticket.articles.length > 0);
  const results: Result[] = [];
  for (let round = 0; round < DRAWS; round += 1) {
    const some = draw(pool, THIN_HISTORY, seed + round);
    const drawn = new Set(some);
    using thin = await open(articles, solvedOf(some));
    results.push(
      ...(await test(
        thin.base,
        labelled.filter((ticket) => !drawn.has(ticket)),
        null,
      )),
    );
  }
  show(`${THIN_HISTORY} linked solved tickets (${DRAWS} draws)`, results);
}
if (wants('none')) {
  using cold = await open(articles, []);
  show('none: articles only', await test(cold.base, labelled, null));
}
if (calibration.length > 0) showShares(calibration);

/** The real tickets, repeated where there are not enough. */
async function showSpeed(count: number): Promise<void> {
  const source = solvedOf(history ?? tickets);
  const many = Array.from({ length: count }, (_, index) => {
    const one = source[index % source.length];
    if (one === undefined) throw new Error('no tickets');
    return index < source.length ? one : { ...one, id: `${one.id}-${index}` };
  });
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  using full = await open(articles, many);
  const added: number[] = [];
  for (const one of many.slice(0, 100)) {
    const from = performance.now();
    await full.base.putSolved('bench', [{ ...one, id: `${one.id}-again` }]);
    added.push(performance.now() - from);
  }
  const importStretch = delay.max / 1e6;
  const asked = draw(tickets, 500, seed);
  delay.reset();
  const times: number[] = [];
  for (const { solved } of asked) {
    await new Promise((resolve) => setImmediate(resolve));
    const from = performance.now();
    await full.base.search({ subject: solved.subject, text: solved.description, customer: solved.customer });
    times.push(performance.now() - from);
  }
  delay.disable();
  const ms = (values: readonly number[], share: number): string =>
    (values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0).toFixed(1);
  globalThis.gc?.();
  const rssMb = (process.memoryUsage.rss() - before) / 1e6;
  process.stdout.write(
    `${articles.length} articles + ${count.toLocaleString('en')} solved tickets: indexed in ${(full.indexMs / 1000).toFixed(2)} s; ` +
      `search p50 ${ms(times, 0.5)} ms, p95 ${ms(times, 0.95)} ms, max ${ms(times, 1)} ms; one more ticket p95 ${ms(added, 0.95)} ms; ` +
      `longest stretch of the event loop ${importStretch.toFixed(0)} ms while indexing, ${(delay.max / 1e6).toFixed(0)} ms while searching; ` +
      `memory added ${rssMb.toFixed(0)} MB; file ${full.fileMb().toFixed(1)} MB\n`,
  );
}
