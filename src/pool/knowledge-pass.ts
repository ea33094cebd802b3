import type { Clock, Random } from '../core/clock.ts';
import type { UpstreamError } from '../core/errors.ts';
import { type KnowledgeBase, knowledgeKey, type KnowledgeKind, type PutResult } from '../core/knowledge-base.ts';
import type { HelpdeskKnowledge, KnowledgePage } from '../core/knowledge-source.ts';
import type { SourceProgress } from '../core/knowledge-sync.ts';
import { asUpstreamError, decide, isPermanent, type RetrySettings } from '../core/retry-policy.ts';
import type { Gate } from './gate.ts';

/** Items that are handed over at a time: the base holds the event loop for none longer than it may. */
const HANDFUL = 200;

export interface PassOptions {
  readonly knowledge: Pick<
    KnowledgeBase,
    'putArticles' | 'putSolved' | 'putCanned' | 'remove' | 'keepOnly' | 'syncState' | 'saveSyncState'
  >;
  readonly gate: Pick<Gate, 'allowance'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly retry: RetrySettings;
  /** Epoch ms: what was solved earlier is not wanted. */
  readonly since: () => number;
  /** See `KnowledgeRead.wanted`. */
  readonly wanted?: (ticketId: string) => boolean;
  /** Under which name it is stored how far it is; by default the source's own. */
  readonly place?: string;
  readonly signal: AbortSignal;
}

export interface SourceReader {
  readonly source: string;
  readonly kind: KnowledgeKind;
  progress(): SourceProgress;
  /** Reads from the stored cursor to the end of the pass, or until it must stop; answers how it ended. Never rejects. */
  read(onPage: (progress: SourceProgress) => void): Promise<SourceProgress>;
}

type Page = KnowledgePage<unknown>;

/** Puts one source of one helpdesk into the knowledge base, page by page. The cursor is stored after each. */
export function createSourceReader<Kind extends KnowledgeKind>(
  source: string,
  kind: Kind,
  read: NonNullable<HelpdeskKnowledge[Kind]>,
  options: PassOptions,
): SourceReader {
  const { knowledge, gate, clock, random, retry, signal, wanted, place = source } = options;
  const fresh = { source, kind, listed: 0, imported: 0, updated: 0, removed: 0, rejected: 0, error: null } as const;
  let progress: SourceProgress = { ...fresh, state: 'stopped' };
  /** What this pass has listed; null when its first pages were read by another process. */
  let listed: Set<string> | null = null;

  const count = (add: Partial<Record<'listed' | 'imported' | 'updated' | 'removed' | 'rejected', number>>): void => {
    for (const [name, more] of Object.entries(add) as [keyof typeof add, number][])
      progress = { ...progress, [name]: progress[name] + more };
  };

  async function store(page: Page): Promise<void> {
    if (page.begins) listed = new Set();
    for (const ids of handfuls(page.gone)) count({ removed: await knowledge.remove(source, kind, ids) });
    for (const items of handfuls(page.items)) {
      const { imported, updated, rejected } = await put(knowledge, source, kind, items);
      count({ listed: items.length, imported, updated, rejected: rejected.length });
    }
    for (const item of page.items) listed?.add(knowledgeKey(item as { id: string }));
    // a list that is empty all at once is a permission that was taken away, more likely than a team that threw all away
    const whole = page.done && page.complete && listed !== null && listed.size > 0 ? listed : null;
    if (whole !== null) count({ removed: await knowledge.keepOnly(source, kind, whole) });
    if (page.done) listed = null;
    const { syncedAt } = knowledge.syncState(place, kind);
    const state = { cursor: page.nextCursor, syncedAt: page.done ? clock.now() : syncedAt, error: null };
    await knowledge.saveSyncState(place, kind, state);
  }

  async function end(state: SourceProgress['state'], error: string | null = null): Promise<SourceProgress> {
    progress = { ...progress, state, error };
    if (error !== null) await knowledge.saveSyncState(place, kind, { ...knowledge.syncState(place, kind), error });
    return progress;
  }

  /**
   * What stands in the way for good may be the place itself: a vendor's cursor that has died, a folder that is gone. A
   * list that is read as a whole is begun anew then; the history, which takes hours, looks after its own.
   */
  async function fail({ errorClass, message }: UpstreamError): Promise<SourceProgress> {
    const stuck = kind !== 'solved' && isPermanent(errorClass);
    if (stuck) await knowledge.saveSyncState(place, kind, { ...knowledge.syncState(place, kind), cursor: null });
    return end('failed', message);
  }

  /** Waits before the next try; false when there is none to make. */
  async function goesOn(error: UpstreamError, failures: number): Promise<boolean> {
    const decision = decide(error, { failures, ambiguousWaitMs: 0 }, retry, random);
    // what every ticket would share (credentials) is the gate's to watch: the next round tries again
    if (decision.kind !== 'retry' || decision.pauseScope !== null) return false;
    await clock.sleep(decision.delayMs, signal);
    return true;
  }

  async function pass(onPage: (progress: SourceProgress) => void): Promise<SourceProgress> {
    progress = { ...fresh, state: 'reading' };
    for (let failures = 0; ;) {
      if (signal.aborted) return end('stopped');
      if (gate.allowance(source) <= 0) return end('paused');
      try {
        const { cursor } = knowledge.syncState(place, kind);
        const page: Page = await read({ cursor, since: options.since(), wanted, signal });
        await store(page);
        failures = 0;
        if (page.done) progress = { ...progress, state: 'synced' };
        onPage(progress);
        if (page.done) return progress;
      } catch (thrown) {
        const error = asUpstreamError(thrown);
        if (!(await goesOn(error, failures))) return fail(error);
        failures += 1;
      }
    }
  }

  return {
    source,
    kind,
    progress: () => progress,
    read: (onPage) =>
      pass(onPage).catch((thrown: unknown) => {
        // the disk refuses even the sentence about it
        progress = { ...progress, state: 'failed', error: asUpstreamError(thrown).message };
        return progress;
      }),
  };
}

function put(
  knowledge: PassOptions['knowledge'],
  source: string,
  kind: KnowledgeKind,
  items: readonly unknown[],
): Promise<PutResult> {
  // the source's type has tied kind and items together
  type Put = (source: string, items: readonly unknown[]) => Promise<PutResult>;
  const puts = { articles: knowledge.putArticles, solved: knowledge.putSolved, canned: knowledge.putCanned };
  return (puts[kind].bind(knowledge) as Put)(source, items);
}

function handfuls<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / HANDFUL) }, (_, index) =>
    items.slice(index * HANDFUL, (index + 1) * HANDFUL),
  );
}
