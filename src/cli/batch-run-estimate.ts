import { existsSync } from 'node:fs';
import type { FileRunConfig } from '../config.ts';
import type { ServiceTier } from '../core/language-model.ts';
import { estimateFileRun, type FileRunEstimate, type PastDrafts, TYPICAL_DRAFT } from '../file-estimate.ts';
import { openFileRun } from '../file-run.ts';
import { packagePath } from './package-path.ts';
import { formatCount, formatDuration, formatTable, formatUsd } from './progress-view.ts';
import { databaseOf } from './run-files.ts';
import { isResult } from './run-ledger.ts';
import { jsonLine } from './shown.ts';
import type { TicketFile } from './ticket-file.ts';

export interface EstimateOptions {
  readonly config: FileRunConfig;
  readonly limit: number;
  /** Where a run would write: what is drafted there already costs nothing. */
  readonly out: string | undefined;
  readonly json: boolean;
  readonly tier: ServiceTier;
}

const SAMPLE_MAX = 50;

/** Says what the rest of a file would take, without a call to the model. Answers the exit code. */
export async function estimateRun(file: TicketFile, options: EstimateOptions): Promise<number> {
  const { done, past } = await readPast(file, options);
  const left = Array.from(file.tickets).flatMap(([ticketId, { ordinal }]) =>
    ordinal < options.limit && !done.has(ticketId) ? [ticketId] : [],
  );
  const step = Math.max(1, left.length / SAMPLE_MAX);
  const chosen = Array.from({ length: Math.min(left.length, SAMPLE_MAX) }, (_, n) => left[Math.floor(n * step)] ?? '');
  const sample = await Promise.all(chosen.map((ticketId) => file.conversation(ticketId)));
  const estimate = estimateFileRun(options.config, {
    tickets: left.length,
    sample,
    past: past ?? TYPICAL_DRAFT,
    tier: options.tier,
  });
  process.stdout.write(options.json ? jsonLine(estimate) : describeEstimate(estimate, done.size, past !== null));
  return 0;
}

/** What an earlier run has left, if there was one. */
async function readPast(
  file: TicketFile,
  { config, out, tier }: EstimateOptions,
): Promise<{ done: ReadonlySet<string>; past: PastDrafts | null }> {
  const done = new Set<string>();
  if (out === undefined || !existsSync(databaseOf(out))) return { done, past: null };
  await using run = openFileRun(config, {
    databasePath: databaseOf(out),
    migrationsFolder: packagePath('migrations', 'sqlite'),
    tier,
    budgetUsd: null,
    helpdesk: file.helpdesk,
    onFinished: () => undefined,
    onPaused: () => undefined,
    onBroken: () => undefined,
    onFault: () => undefined,
  });
  const drafts: PastDrafts[] = [];
  for (const ticket of run.tickets()) {
    if (!file.tickets.has(ticket.ticketId) || !isResult(ticket)) continue;
    done.add(ticket.ticketId);
    if (ticket.status !== 'drafted' || drafts.length >= SAMPLE_MAX) continue;
    const { draft, attempts = [] } = run.ticket(ticket.ticketId) ?? {};
    if (draft) drafts.push({ completionTokens: draft.completionTokens, durationMs: attempts.at(-1)?.durationMs ?? 0 });
  }
  const mean = (valueOf: (past: PastDrafts) => number): number =>
    drafts.reduce((sum, each) => sum + valueOf(each), 0) / drafts.length;
  const past = {
    completionTokens: mean(({ completionTokens }) => completionTokens),
    durationMs: mean(({ durationMs }) => durationMs),
  };
  return { done, past: drafts.length === 0 ? null : past };
}

const BOUNDS: Readonly<Record<FileRunEstimate['bound'], string>> = {
  'llm.requests': 'LLM_REQUESTS_PER_MINUTE',
  'llm.tokens': 'LLM_TOKENS_PER_MINUTE',
  'review.requests': 'REVIEW_REQUESTS_PER_MINUTE',
  'review.tokens': 'REVIEW_TOKENS_PER_MINUTE',
  workers: 'WORKER_CONCURRENCY',
};

/** `measured`: the answers' length is that of drafts that are there. */
export function describeEstimate(estimate: FileRunEstimate, done: number, measured: boolean): string {
  const { tickets, promptTokens, completionTokens, costUsd, minutes, bound, review } = estimate;
  const basis = measured ? 'as the drafts that are there' : 'assumed';
  return `\n${formatTable(process.stdout, [
    ['tickets', `${formatCount(tickets)}${done > 0 ? `   (${formatCount(done)} are done already)` : ''}`],
    ['prompt tokens', formatCount(promptTokens)],
    ['completion tokens', `${formatCount(completionTokens)}   (${basis})`],
    ...(review === null
      ? []
      : [
          [
            'reviews',
            `each draft by ${review.model}; ${formatCount(review.revisions)} written anew (assumed)`,
          ] as const,
        ]),
    ['cost', costUsd === null ? 'not known for this model' : `about ${formatUsd(costUsd)}`],
    ['time', `about ${formatDuration(minutes * 60_000)}`],
    ['bound by', `${bound}   (${BOUNDS[bound]})`],
  ])}\n  Nothing was sent to the model.\n`;
}
