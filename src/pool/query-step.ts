import { UpstreamError } from '../core/errors.ts';
import type { KnowledgeBase } from '../core/knowledge-base.ts';
import { type JobOutcome, OutboxUnavailable } from '../core/outbox.ts';
import type { Evidence } from '../drafting/passages.ts';
import { askSearchWords } from '../drafting/search-words.ts';
import type { Material } from './hand-over.ts';
import { modelCalls, tierOf } from './model-calls.ts';
import type { Searcher, StageDeps, StageRun } from './stage-run.ts';

/** Below this share a draft must prove itself by a quote: something better is looked for whatever the history. */
const WEAK_SHARE = 0.2;
/** Below this one it is a weak match; with little history that is what every ticket gets. */
const FAIR_SHARE = 0.4;
/** So many solved tickets with links find as well as a model's words (retrieval.md §5: .60 from 150 to 200). */
const ENOUGH_LINKED = 200;

/** Is a model worth asking what to look for? Only where there are articles, and what was found of them is weak. */
export function wantsQuery(evidence: Evidence | null, knowledge: Pick<KnowledgeBase, 'summary'> | undefined): boolean {
  if (evidence === null || knowledge === undefined) return false;
  const share = evidence.found.articles[0]?.share ?? 0;
  if (share >= FAIR_SHARE) return false;
  const { counts, linked } = knowledge.summary();
  return counts.articles > 0 && (share < WEAK_SHARE || linked < ENOUGH_LINKED);
}

/**
 * Asks what to look for. Its answer is stored before the draft is asked for, so that nobody pays for it twice; a ticket
 * can do without, whatever the model answers. Throws when the try is over.
 */
export async function query(
  run: StageRun,
  { conversation, evidence, facts }: Pick<Material, 'conversation' | 'evidence' | 'facts'>,
  { routes }: Pick<Searcher, 'routes'>,
  deps: StageDeps,
): Promise<JobOutcome> {
  try {
    const words = await askSearchWords({
      conversation,
      maskPersonalData: deps.team.maskPersonalData,
      titles: evidence?.found.articles.map(({ title }) => title) ?? [],
      routes,
      tier: tierOf(run.job),
      ...modelCalls(run, facts, deps),
    });
    return { kind: 'queried', words, failure: null, facts };
  } catch (error) {
    if (!isOfTheModel(error, run.signal)) throw error;
    const { errorClass, message } = error;
    return { kind: 'queried', words: '', failure: { errorClass, error: message }, facts };
  }
}

/** The others end the try: it is cancelled, its money is gone, or nothing can be stored. */
function isOfTheModel(error: unknown, signal: AbortSignal): error is UpstreamError {
  if (signal.aborted || error instanceof OutboxUnavailable || !(error instanceof UpstreamError)) return false;
  return !ENDING.has(error.errorClass);
}

const ENDING: ReadonlySet<UpstreamError['errorClass']> = new Set(['cancelled', 'budget_exhausted', 'batch_budget']);
