import type { Connection } from './database.ts';
import { prepare } from './rows.ts';

/** Rows looked through in one stretch. */
const PAGE = 250;

/** Whose vector it is, as `knowledge_vector.kind` has it. */
export const OF_PASSAGE = 0;
export const OF_SOLVED = 1;
export type VectorKind = typeof OF_PASSAGE | typeof OF_SOLVED;

export interface VectorPlace {
  readonly kind: VectorKind;
  readonly row: number;
}

/** A text that is to have a vector. */
export interface VectorText extends VectorPlace {
  readonly digest: string;
  /** Null where it can be had from the tables: of passages. */
  readonly text: string | null;
}

/** A row that may have a vector; 0: this table has never heard of it, for it was taken in without a model. */
interface Heard {
  readonly row: number;
  readonly isHeard: 0 | 1;
  /** Of a solved ticket. */
  readonly subject: string;
}

export type StoredVector = VectorPlace & { readonly model: string | null; readonly vector: Buffer | null };

/** The table of vectors, a statement at a time; whoever calls them begins the transactions. `space`: of the model in use. */
export function prepareVectorTables(connection: Connection, space: string) {
  const byDigest = connection
    .prepare<[string, string], Buffer>(
      'SELECT vector FROM knowledge_vector WHERE digest = ? AND model = ? AND vector IS NOT NULL LIMIT 1',
    )
    .pluck();
  const insert = connection.prepare(
    `INSERT INTO knowledge_vector (kind, row, digest, text, model, vector) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (kind, row) DO UPDATE SET digest = excluded.digest, text = excluded.text, model = excluded.model, vector = excluded.vector`,
  );
  const digestOf = connection
    .prepare<[number, number], string>('SELECT digest FROM knowledge_vector WHERE kind = ? AND row = ?')
    .pluck();
  const fill = prepare<VectorPlace>(
    connection,
    'UPDATE knowledge_vector SET vector = ?, model = ? WHERE digest = ? AND vector IS NULL RETURNING kind, row',
  );
  const clear = connection.prepare(
    'UPDATE knowledge_vector SET vector = NULL, model = NULL WHERE kind = ? AND row = ?',
  );
  const after = prepare<StoredVector>(
    connection,
    `SELECT kind, row, model, vector FROM knowledge_vector WHERE (kind, row) > (?, ?) ORDER BY kind, row LIMIT ${PAGE}`,
  );
  const missing = prepare<VectorText>(
    connection,
    `SELECT kind, row, digest, text FROM knowledge_vector
     WHERE vector IS NULL AND digest NOT IN (SELECT value FROM json_each(?)) ORDER BY kind, row LIMIT ?`,
  );
  const passage = prepare<{ readonly title: string; readonly heading: string; readonly text: string }>(
    connection,
    `SELECT title, heading, text FROM knowledge_passage JOIN knowledge_article ON knowledge_article.id = article
     WHERE knowledge_passage.id = ?`,
  );
  const passages = prepare<Heard>(
    connection,
    `SELECT id AS row, knowledge_vector.row IS NOT NULL AS isHeard, '' AS subject FROM knowledge_passage
     LEFT JOIN knowledge_vector ON kind = ${OF_PASSAGE} AND knowledge_vector.row = id WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
  );
  const solved = prepare<Heard>(
    connection,
    `SELECT id AS row, knowledge_vector.row IS NOT NULL AS isHeard, subject FROM knowledge_solved
     LEFT JOIN knowledge_vector ON kind = ${OF_SOLVED} AND knowledge_vector.row = id WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
  );
  const countAll = connection.prepare<[], number>('SELECT count(*) FROM knowledge_vector').pluck();
  const countMissing = connection
    .prepare<[], number>('SELECT count(*) FROM knowledge_vector WHERE vector IS NULL')
    .pluck();
  const addSpending = connection.prepare(
    `INSERT INTO spending (day, scope, cost_usd) VALUES (?, '', ?)
     ON CONFLICT (day, scope) DO UPDATE SET cost_usd = cost_usd + excluded.cost_usd`,
  );
  return {
    /** One that an equal text has. */
    find: (digest: string): Buffer | null => byDigest.get(digest, space) ?? null,
    digestOf: ({ kind, row }: VectorPlace) => digestOf.get(kind, row),
    put: ({ kind, row, digest, text }: VectorText, vector: Buffer | null) =>
      void insert.run(kind, row, digest, text, vector === null ? null : space, vector),
    /** Whose it is. */
    fill: (digest: string, vector: Buffer) => fill.all(vector, space, digest),
    clear: ({ kind, row }: VectorPlace) => void clear.run(kind, row),
    after: ({ kind, row }: VectorPlace) => after.all(kind, row),
    missing: (limit: number, except: ReadonlySet<string>) => missing.all(JSON.stringify([...except]), limit),
    passage: (row: number) => passage.get(row),
    /** Some of all passages and solved tickets, by row. */
    owners: { [OF_PASSAGE]: (row: number) => passages.all(row), [OF_SOLVED]: (row: number) => solved.all(row) },
    counts: () => {
      const wanted = countAll.get() ?? 0;
      return { wanted, made: wanted - (countMissing.get() ?? 0) };
    },
    addSpending: (day: string, costUsd: number) => void addSpending.run(day, costUsd),
  };
}
