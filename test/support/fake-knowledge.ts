import {
  type KnowledgeBase,
  knowledgeKey,
  type KnowledgeKind,
  type PutResult,
  type SyncState,
} from '../../src/core/knowledge-base.ts';

interface Item {
  readonly id: string;
  readonly locale?: string | null;
  readonly solvedAt?: number | null;
}

export interface FakeKnowledge extends KnowledgeBase {
  /** What is there, by key. */
  items(source: string, kind: KnowledgeKind): Map<string, Item>;
  keys(source: string, kind: KnowledgeKind): string[];
  /** Called at the start of each method that writes; what it throws, the method throws. */
  beforeWrite: (method: string) => void;
}

/** A knowledge base in memory: no search. */
export function fakeKnowledge(): FakeKnowledge {
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
    search: async () => ({ articles: [], solved: [], canned: [], version: '' }),
    syncState: (source, kind) => states.get(`${source} ${kind}`) ?? { cursor: null, syncedAt: null, error: null },
    saveSyncState: async (source, kind, state) => {
      fake.beforeWrite('saveSyncState');
      states.set(`${source} ${kind}`, state);
    },
    summary: () => ({
      counts: { articles: 0, solved: 0, canned: 0 },
      linked: 0,
      sources: [...shelves].map(([name, { size }]) => {
        const [source, kind] = name.split(' ') as [string, KnowledgeKind];
        return { source, kind, count: size, ...fake.syncState(source, kind) };
      }),
      version: '',
    }),
  };
  return fake;
}
