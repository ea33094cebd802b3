import { type Breathe, createBreathe } from '../core/breathe.ts';
import { type Clock } from '../core/clock.ts';
import {
  type Article,
  type CannedReply,
  KNOWLEDGE_KINDS,
  type KnowledgeBase,
  type KnowledgeKind,
  type KnowledgeQuery,
  type KnowledgeSummary,
  knowledgeKey,
  type PutResult,
  type SolvedTicket,
  type SyncState,
} from '../core/knowledge-base.ts';
import type { QuestionEmbedder, VectorStore } from '../core/vector-store.ts';
import { passageText, questionText } from '../knowledge/embedded-text.ts';
import type { Memory } from '../knowledge/memory.ts';
import type { Shelf } from '../knowledge/shelf.ts';
import type { Connection } from './database.ts';
import { createGroupCommit } from './group-commit.ts';
import {
  customerDigest,
  faultOf,
  hashOfItem,
  prepareArticle,
  prepareCanned,
  prepareSolved,
  subjectOf,
} from './knowledge-items.ts';
import { faceOf, factsOf, loadMemory } from './knowledge-load.ts';
import { prepareSearch } from './knowledge-search.ts';
import { type Place, prepareKnowledgeTables } from './knowledge-tables.ts';
import { prepareVectors } from './vector-store.ts';
import { OF_PASSAGE, OF_SOLVED } from './vector-tables.ts';

export interface KnowledgeBaseOptions {
  readonly clock: Pick<Clock, 'steady' | 'now'>;
  /** Without it there are no vectors. */
  readonly embedder?: QuestionEmbedder | undefined;
  /** Ids of articles that are linked as first aid, whatever the question: links to them are no votes. */
  readonly routineArticles?: readonly string[];
}

/** Rows written in one transaction. */
const ROWS_AT_ONCE = 50;
/** Solved tickets that `forgetSolved` takes at a time. */
const FORGOTTEN_AT_ONCE = 500;

/** What to do for one item inside a transaction; answers what to do in memory when that is through, or why it was not done. */
type Change = () => Done | string;

/** What is left to do in memory once the transaction is through. */
type Done = (memory: Memory) => void;

/** A change that shares the next transaction with others. */
interface Waiting {
  readonly change: Change;
  /** Its item's place among those given. */
  readonly index: number;
  readonly kind: 'imported' | 'updated';
}

const ERASED = 'Its customer was erased.';

interface Kind<Item> {
  readonly find: (item: Item) => Place | undefined;
  /** False: the same item, but something that is made of it is not there. */
  readonly isWhole?: (item: Item, old: Place) => boolean;
  /** A change that puts it in place of `old`, or why it cannot be taken. */
  readonly prepare: (item: Item, hash: string, old: Place | undefined) => Promise<Change | string>;
}

/**
 * The knowledge base on SQLite: texts and word counts in tables, the index of words in memory, built from them at the
 * first use. Its writes share transactions with one another, not with the outbox's.
 */
export function openKnowledgeBase(
  connection: Connection,
  options: KnowledgeBaseOptions,
): KnowledgeBase & { readonly vectors: VectorStore | null } {
  const { clock, routineArticles = [], embedder } = options;
  const tables = prepareKnowledgeTables(connection);
  const search = prepareSearch(connection, tables);
  const group = createGroupCommit(connection);
  const writing = createQueue();
  const searching = createQueue();
  const leftOut = new Set(routineArticles);
  let loading: Promise<Memory> | null = null;
  let counted: { readonly version: string; readonly linked: number; readonly of: readonly Counted[] } | null = null;

  const breathing = (): Breathe => createBreathe(clock);
  const memory = (): Promise<Memory> => {
    loading ??= load().catch((error: unknown) => {
      loading = null;
      throw connection.disk.refusal(error);
    });
    return loading;
  };
  const vectors =
    embedder === undefined ? null : prepareVectors(connection, { group, memory, clock, space: embedder.space });

  async function load(): Promise<Memory> {
    const loaded = await loadMemory(tables, leftOut, breathing());
    await vectors?.load(loaded, breathing());
    return loaded;
  }

  /** In one transaction, with a new version; then in memory. Answers of each why it was not done, null where it was. */
  const apply = async (into: Memory, changes: readonly Change[]): Promise<readonly (string | null)[]> => {
    if (changes.length === 0) return [];
    const made = await group.write(() => {
      tables.changed();
      return changes.map((change) => change());
    });
    return made.map((inMemory) => {
      if (typeof inMemory === 'string') return inMemory;
      inMemory(into);
      return null;
    });
  };

  /** Builds the index anew when most of it is of rows that are gone. */
  const renewIfWorn = async (into: Memory): Promise<void> => {
    if (!into.isWorn()) return;
    loading = null;
    await memory();
  };

  const putAll = <Item extends Article | SolvedTicket | CannedReply>(
    items: readonly Item[],
    kind: Kind<Item>,
  ): Promise<PutResult> =>
    writing(async () => {
      const into = await memory();
      const breathe = breathing();
      const sum = { imported: 0, updated: 0 };
      const rejected: { index: number; reason: string }[] = [];
      const waiting = new Map<string, Waiting>();
      const flush = async (): Promise<void> => {
        const all = [...waiting.values()];
        waiting.clear();
        const reasons = await apply(
          into,
          all.map(({ change }) => change),
        );
        for (const [at, { index, kind: what }] of all.entries()) {
          const reason = reasons[at] ?? null;
          if (reason === null) sum[what] += 1;
          else rejected.push({ index, reason });
        }
      };
      for (const [index, item] of items.entries()) {
        await breathe();
        const fault = faultOf(item);
        if (fault !== null) {
          rejected.push({ index, reason: fault });
          continue;
        }
        if (waiting.has(item.id)) await flush();
        const hash = hashOfItem(item);
        const old = kind.find(item);
        if (old?.hash === hash && kind.isWhole?.(item, old) !== false) continue;
        const change = await kind.prepare(item, hash, old);
        if (typeof change === 'string') rejected.push({ index, reason: change });
        else waiting.set(item.id, { change, index, kind: old === undefined ? 'imported' : 'updated' });
        if (waiting.size >= ROWS_AT_ONCE) await flush();
      }
      await flush();
      await renewIfWorn(into);
      return { ...sum, rejected };
    });

  const removal = (kind: KnowledgeKind, row: number): (() => Done) => {
    return () => {
      tables[kind].remove(row);
      if (kind === 'articles') tables.passages.removeOf(row);
      return (from) => {
        if (kind === 'articles') from.removeArticle(row);
        else from[kind].remove(row);
        if (kind === 'solved') from.vectors.solved.remove(row);
      };
    };
  };

  const removeRows = async (kind: KnowledgeKind, rows: readonly number[]): Promise<void> => {
    const from = await memory();
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      await apply(
        from,
        rows.slice(at, at + ROWS_AT_ONCE).map((row) => removal(kind, row)),
      );
    }
    await renewIfWorn(from);
  };

  /** A source's items, with pauses. */
  const keysOf = async (source: string, kind: KnowledgeKind) => {
    const breathe = breathing();
    const all = [...tables[kind].keys(source, 0)];
    for (let last = all.at(-1); last !== undefined; await breathe()) {
      const page = tables[kind].keys(source, last.id);
      all.push(...page);
      last = page.at(-1);
    }
    return all;
  };

  /** A text of one row, in place of `old`. */
  const shelving =
    <K extends 'solved' | 'canned'>(
      kind: K,
      old: Place | undefined,
      insert: () => number,
      words: Buffer,
      facts: Parameters<Memory[K]['add']>[2],
      question = '',
    ): (() => Done) =>
    () => {
      // asked first: an old vector goes with its row
      const [vector = null] = vectors?.find([question]) ?? [];
      const gone = old === undefined ? null : removal(kind, old.id)();
      const row = insert();
      const addVector = vectors?.add(OF_SOLVED, row, question, vector);
      return (into) => {
        gone?.(into);
        const shelf: Pick<Shelf<typeof facts>, 'add'> = into[kind];
        shelf.add(row, words, facts);
        addVector?.(into);
      };
    };

  const articles = (source: string): Kind<Article> => ({
    find: ({ id, locale }) => tables.articles.find(id, locale ?? ''),
    prepare: async (article, hash, old) => {
      const prepared = await prepareArticle(source, article, { hash, breathe: breathing() });
      if (typeof prepared === 'string') return prepared;
      const texts = prepared.passages.map(({ heading, text }) => passageText(prepared.row.title, heading, text));
      return () => {
        const found = vectors?.find(texts);
        const gone = old === undefined ? null : removal('articles', old.id)();
        const row = tables.articles.insert(prepared.row);
        const passages = prepared.passages.map((passage) => ({
          id: tables.passages.insert({ ...passage, article: row }),
          words: passage.words,
        }));
        const addVectors = passages.map(({ id }, at) =>
          vectors?.add(OF_PASSAGE, id, texts[at] ?? '', found?.[at] ?? null),
        );
        return (into) => {
          gone?.(into);
          into.addArticle(row, faceOf(prepared.row), prepared.row.grams);
          for (const { id, words } of passages) into.addPassage(id, row, words);
          for (const addVector of addVectors) addVector?.(into);
        };
      };
    },
  });

  return {
    putArticles: (source, items) => putAll(items, articles(source)),
    putSolved: (source, items) =>
      putAll(items, {
        find: ({ id }) => tables.solved.find(id),
        isWhole: (item, { id }) =>
          vectors === null || item.description === '' || !vectors.hasSubjectOnly(id, subjectOf(item)),
        prepare: async (item, hash, old) => {
          const { customer } = item;
          const isErased = (): boolean => customer !== null && tables.isErased(customerDigest(customer));
          if (isErased()) return ERASED;
          const prepared = prepareSolved(source, item, hash);
          if (typeof prepared === 'string') return prepared;
          const { row, question } = prepared;
          const put = shelving('solved', old, () => tables.solved.insert(row), row.words, factsOf(row), question);
          // erased since it was prepared
          return () => (isErased() ? ERASED : put());
        },
      }),
    putCanned: (source, items) =>
      putAll(items, {
        find: ({ id }) => tables.canned.find(id),
        prepare: async (item, hash, old) => {
          const row = prepareCanned(source, item, hash);
          if (typeof row === 'string') return row;
          return shelving('canned', old, () => tables.canned.insert(row), row.words, null);
        },
      }),
    remove: (source, kind, ids) =>
      writing(async () => {
        const keys = new Set(ids);
        const rows = [...keys].flatMap((id) => tables[kind].rowsOf(source, id));
        await removeRows(kind, rows);
        return rows.length;
      }),
    keepOnly: (source, kind, keys) =>
      writing(async () => {
        const all = await keysOf(source, kind);
        const gone = all.filter(({ key, locale }) => !keys.has(knowledgeKey({ id: key, locale })));
        await removeRows(
          kind,
          gone.map(({ id }) => id),
        );
        return gone.length;
      }),
    forgetSolved: (before) =>
      writing(async () => {
        const rows = tables.solvedBefore(before, FORGOTTEN_AT_ONCE);
        await removeRows('solved', rows);
        return rows.length;
      }),
    search: async (query) => {
      // not in the queue: who waits for a model holds up nobody
      const vector = await vectorOf(query);
      return searching(async () => {
        const through = await memory();
        try {
          return await search(through, query, vector, breathing());
        } catch (error) {
          throw connection.disk.refusal(error);
        }
      });
    },
    vectors: vectors?.store ?? null,
    syncState: (source, kind) => {
      const { cursor, syncedAt, error } = tables.source(source, kind) ?? NEVER;
      return { cursor, syncedAt, error };
    },
    saveSyncState: (source, kind, state) => group.write(() => tables.putSource(source, kind, state)),
    summary: () => summary(),
  };

  /** Null where there is nothing to compare it with, or it cannot be had. */
  async function vectorOf({ subject, text }: KnowledgeQuery): Promise<Float32Array | null> {
    if (embedder === undefined) return null;
    const { passages, solved } = (await memory()).vectors;
    const question = questionText(subject, text);
    return passages.size() + solved.size() === 0 || question === '' ? null : await embedder.question(question);
  }

  /** Every draft of a fresh install asks whether there is anything: what has not changed is not counted again. */
  function countAll(): NonNullable<typeof counted> {
    const version = tables.version();
    if (counted?.version === version) return counted;
    const of = KNOWLEDGE_KINDS.map((kind) => ({
      kind,
      by: new Map(tables[kind].counts().map((row) => [row.source, row.count])),
    }));
    return (counted = { version, linked: tables.linked(), of });
  }

  function summary(): KnowledgeSummary {
    const { version, linked, of } = countAll();
    const states = tables.sources();
    const sources = of.flatMap(({ kind, by }) => {
      const read = new Map(states.filter((row) => row.kind === kind).map((row) => [row.source, row]));
      return [...new Set([...by.keys(), ...read.keys()])].toSorted().map((source) => {
        const { cursor, syncedAt, error } = read.get(source) ?? NEVER;
        return { source, kind, count: by.get(source) ?? 0, cursor, syncedAt, error };
      });
    });
    const counts = Object.fromEntries(
      of.map(({ kind, by }) => [kind, [...by.values()].reduce((sum, count) => sum + count, 0)]),
    ) as Record<KnowledgeKind, number>;
    return { counts, linked, sources, version };
  }
}

interface Counted {
  readonly kind: KnowledgeKind;
  /** By source. */
  readonly by: ReadonlyMap<string, number>;
}

const NEVER: SyncState = { cursor: null, syncedAt: null, error: null };

/** Runs what it is given one after the other. */
function createQueue() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(run: () => Promise<T>): Promise<T> => {
    const next = last.then(run);
    last = next.catch(() => undefined);
    return next;
  };
}
