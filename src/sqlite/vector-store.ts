import type { Breathe } from '../core/breathe.ts';
import { type Clock, sha256 } from '../core/clock.ts';
import { utcDay } from '../core/spend-guard.ts';
import type { Unembedded, VectorStore } from '../core/vector-store.ts';
import { joined, passageText } from '../knowledge/embedded-text.ts';
import type { Memory } from '../knowledge/memory.ts';
import { packVector } from '../knowledge/vectors.ts';
import type { Connection } from './database.ts';
import type { GroupCommit } from './group-commit.ts';
import { OF_PASSAGE, OF_SOLVED, prepareVectorTables, type VectorKind, type VectorPlace } from './vector-tables.ts';

/** Beside the tables of what is known: their vectors, while there is a model for them. */
export interface KnowledgeVectors {
  readonly store: VectorStore;
  /** Inside a transaction, before anything is removed: what texts equal to these have. */
  find(texts: readonly string[]): readonly (Buffer | null)[];
  /** Inside a transaction: this row's text, with the vector of an equal one. Answers what to do in memory after it. */
  add(kind: VectorKind, row: number, text: string, vector: Buffer | null): (into: Memory) => void;
  /** Was a solved ticket's subject all that there was to make its vector of? */
  hasSubjectOnly(row: number, subject: string): boolean;
  /** Reads all vectors into memory; those of another model are to be made anew. */
  load(into: Memory, breathe: Breathe): Promise<void>;
}

export interface KnowledgeVectorsOptions {
  readonly group: GroupCommit;
  readonly memory: () => Promise<Memory>;
  readonly clock: Pick<Clock, 'now'>;
  readonly space: string;
}

const FIRST: VectorPlace = { kind: OF_PASSAGE, row: -1 };

/** Without a model nobody calls it, and no statement is made. */
export function prepareVectors(connection: Connection, options: KnowledgeVectorsOptions): KnowledgeVectors {
  const { group, memory, clock, space } = options;
  const tables = prepareVectorTables(connection, space);

  const textOf = (row: number): string => {
    const { title = '', heading = '', text = '' } = tables.passage(row) ?? {};
    return passageText(title, heading, text);
  };

  const add: KnowledgeVectors['add'] = (kind, row, text, vector) => {
    if (text === '') return () => undefined;
    tables.put({ kind, row, digest: sha256(text), text: kind === OF_PASSAGE ? null : text }, vector);
    return (into) => vector !== null && shelfOf(into, kind).put(row, vector);
  };

  /** What was taken in while there was no model. Of a solved ticket's question its subject is all that was kept. */
  const adopt = async (kind: VectorKind, breathe: Breathe): Promise<void> => {
    for (let last: number | undefined = 0; last !== undefined; await breathe()) {
      const rows: ReturnType<(typeof tables.owners)[VectorKind]> = tables.owners[kind](last);
      last = rows.at(-1)?.row;
      const unheard = rows.filter(({ isHeard }) => isHeard === 0);
      if (unheard.length === 0) continue;
      await group.write(() => {
        for (const { row, subject } of unheard) {
          const text = kind === OF_PASSAGE ? textOf(row) : joined(subject, '');
          add(kind, row, text, tables.find(sha256(text)));
        }
      });
    }
  };

  return {
    store: {
      missing: async (limit, except) => {
        await memory();
        const texts = new Map(
          tables.missing(limit, except).map(({ row, digest, text }) => [digest, text ?? textOf(row)]),
        );
        return Array.from(texts, ([digest, text]): Unembedded => ({ digest, text }));
      },
      put: async (vectors) => {
        const packed = Array.from(vectors, ([digest, vector]) => ({ digest, vector: packVector(vector) }));
        const filled = await group.write(() =>
          packed.flatMap(({ digest, vector }) => tables.fill(digest, vector).map((place) => ({ ...place, vector }))),
        );
        // asked for now: it may have been made anew meanwhile
        const into = await memory();
        for (const { kind, row, vector } of filled) shelfOf(into, kind).put(row, vector);
      },
      spend: (costUsd) => group.write(() => tables.addSpending(utcDay(clock.now()), costUsd)),
      counts: () => tables.counts(),
    },
    find: (texts) => texts.map((text) => tables.find(sha256(text))),
    add,
    hasSubjectOnly: (row, subject) => tables.digestOf({ kind: OF_SOLVED, row }) === sha256(joined(subject, '')),
    load: async (into, breathe) => {
      await adopt(OF_PASSAGE, breathe);
      await adopt(OF_SOLVED, breathe);
      for (let last: VectorPlace | undefined = FIRST; last !== undefined; await breathe()) {
        const rows = tables.after(last);
        const stale = rows.filter(({ model, vector }) => vector !== null && model !== space);
        if (stale.length > 0) await group.write(() => stale.forEach((place) => tables.clear(place)));
        for (const { kind, row, model, vector } of rows)
          if (vector !== null && model === space) shelfOf(into, kind).put(row, vector);
        last = rows.at(-1);
      }
    },
  };
}

function shelfOf(memory: Memory, kind: VectorKind) {
  return kind === OF_PASSAGE ? memory.vectors.passages : memory.vectors.solved;
}
