import {
  type Found,
  type FoundArticle,
  type FoundCanned,
  type FoundSolved,
  type KnowledgeBase,
  knowledgeKey,
  type KnowledgeKind,
  type KnowledgeQuery,
  type PutResult,
  type SyncState,
} from '../../src/core/knowledge-base.ts';
import type { Evidence } from '../../src/drafting/passages.ts';

export const HELP_URL = 'https://help.acme.example/hc/articles/360001-start';

export function makeArticle(overrides: Partial<FoundArticle> = {}): FoundArticle {
  return {
    id: 'zendesk/360001',
    locale: 'en',
    title: 'When it does not start',
    url: HELP_URL,
    restricted: false,
    heading: '',
    passage: 'Hold the button for five seconds. The light turns green, and the device starts.',
    share: 0.42,
    votes: 7,
    ...overrides,
  };
}

export function makeSolved(overrides: Partial<FoundSolved> = {}): FoundSolved {
  return {
    id: 'zendesk/5158',
    subject: 'Device of Maria Schmidt',
    reply: 'Hello Maria,\n\nplease charge it for two hours before you press the button.\n\nKind regards\nBob Agent',
    score: 1,
    ...overrides,
  };
}

export function makeCanned(overrides: Partial<FoundCanned> = {}): FoundCanned {
  const body = 'Please send us the serial number that stands on the back.';
  return { id: 'zendesk/77', title: 'Ask for the serial number', body, score: 1, ...overrides };
}

export function makeFound(overrides: Partial<Found> = {}): Found {
  return { articles: [makeArticle()], solved: [makeSolved()], canned: [makeCanned()], version: 'k1', ...overrides };
}

export const NOTHING_FOUND: Found = { articles: [], solved: [], canned: [], version: 'k1' };

export function makeEvidence(found: Partial<Found> = {}): Evidence {
  const ticketUrl = (id: string): string => `https://acme.zendesk.example/agent/tickets/${id.split('/')[1]}`;
  return { found: makeFound(found), ticketUrl };
}

interface Item {
  readonly id: string;
  readonly locale?: string | null;
  readonly solvedAt?: number | null;
}

export interface FakeKnowledge extends KnowledgeBase {
  /** What each search finds. */
  found: Found;
  readonly asked: KnowledgeQuery[];
  /** What `summary` tells. */
  counts: ReturnType<KnowledgeBase['summary']>['counts'];
  /** What is there, by key. */
  items(source: string, kind: KnowledgeKind): Map<string, Item>;
  keys(source: string, kind: KnowledgeKind): string[];
  /** Called at the start of each method that writes; what it throws, the method throws. */
  beforeWrite: (method: string) => void;
}

/** A knowledge base in memory, which finds what a test says. */
export function fakeKnowledge(found: Found = makeFound()): FakeKnowledge {
  const shelves = new Map<string, Map<string, Item>>();
  const states = new Map<string, SyncState>();
  const shelf = (source: string, kind: KnowledgeKind): Map<string, Item> => {
    const name = `${source} ${kind}`;
    const found = shelves.get(name) ?? new Map<string, Item>();
    shelves.set(name, found);
    return found;
  };
  const take = (from: Map<string, Item>, goes: (key: string, item: Item) => boolean): number => {
    const gone = [...from].filter(([key, item]) => goes(key, item));
    for (const [key] of gone) from.delete(key);
    return gone.length;
  };
  const put =
    (kind: KnowledgeKind) =>
    async (source: string, items: readonly Item[]): Promise<PutResult> => {
      fake.beforeWrite('put');
      const on = shelf(source, kind);
      let imported = 0;
      let updated = 0;
      for (const item of items) {
        const key = knowledgeKey(item);
        const before = on.get(key);
        if (before === undefined) imported += 1;
        else if (JSON.stringify(before) !== JSON.stringify(item)) updated += 1;
        on.set(key, item);
      }
      return { imported, updated, rejected: [] };
    };
  const fake: FakeKnowledge = {
    found,
    asked: [],
    counts: { articles: 1, solved: 1, canned: 1 },
    beforeWrite: () => undefined,
    items: shelf,
    keys: (source, kind) => [...shelf(source, kind).keys()].toSorted(),
    putArticles: put('articles'),
    putSolved: put('solved'),
    putCanned: put('canned'),
    remove: async (source, kind, ids) => {
      fake.beforeWrite('remove');
      return take(shelf(source, kind), (_, { id }) => ids.includes(id));
    },
    keepOnly: async (source, kind, keys) => {
      fake.beforeWrite('keepOnly');
      return take(shelf(source, kind), (key) => !keys.has(key));
    },
    forgetSolved: async (before) => {
      let went = 0;
      for (const [name, items] of shelves)
        if (name.endsWith(' solved')) went += take(items, (_, { solvedAt }) => (solvedAt ?? Infinity) < before);
      return went;
    },
    search: async (query) => {
      fake.asked.push(query);
      return fake.found;
    },
    syncState: (source, kind) => states.get(`${source} ${kind}`) ?? { cursor: null, syncedAt: null, error: null },
    saveSyncState: async (source, kind, state) => {
      fake.beforeWrite('saveSyncState');
      states.set(`${source} ${kind}`, state);
    },
    summary: () => ({
      counts: fake.counts,
      linked: 0,
      sources: [...shelves].map(([name, { size }]) => {
        const [source, kind] = name.split(' ') as [string, KnowledgeKind];
        return { source, kind, count: size, ...fake.syncState(source, kind) };
      }),
      version: fake.found.version,
    }),
  };
  return fake;
}
