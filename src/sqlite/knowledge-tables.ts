import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { getTableColumns, getTableName } from 'drizzle-orm';
import type { KnowledgeKind, SyncState } from '../core/knowledge-base.ts';
import type { Connection } from './database.ts';
import { columnsOf, insertInto, prepare } from './rows.ts';
import { knowledgeArticle, knowledgeCanned, knowledgePassage, knowledgeSolved } from './schema.ts';

export type ArticleRow = Omit<typeof knowledgeArticle.$inferSelect, 'id'>;
export type PassageRow = Omit<typeof knowledgePassage.$inferSelect, 'id'>;
/** As the driver has it: `links` is JSON. */
export type SolvedRow = Omit<typeof knowledgeSolved.$inferSelect, 'id' | 'links'> & { readonly links: string };
export type CannedRow = Omit<typeof knowledgeCanned.$inferSelect, 'id'>;

/** Rows looked through in one stretch. */
const PAGE = 250;

const KINDS = {
  articles: { table: knowledgeArticle, key: 'article_id' },
  solved: { table: knowledgeSolved, key: 'ticket_id' },
  canned: { table: knowledgeCanned, key: 'canned_id' },
} as const;

/** The tables of what the team has written, a statement at a time; whoever calls them begins the transactions. */
export function prepareKnowledgeTables(connection: Connection) {
  const removePassages = connection.prepare('DELETE FROM knowledge_passage WHERE article = ?');
  const version = connection.prepare<[], string>(`SELECT value FROM meta WHERE key = 'knowledge_version'`).pluck();
  const bump = connection.prepare(BUMP_VERSION);
  const putSource = connection.prepare(
    `INSERT INTO knowledge_source (source, kind, cursor, synced_at, error) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (source, kind) DO UPDATE SET cursor = excluded.cursor, synced_at = excluded.synced_at, error = excluded.error`,
  );
  const sources = prepare<SyncState & { readonly source: string; readonly kind: KnowledgeKind }>(
    connection,
    'SELECT source, kind, cursor, synced_at AS syncedAt, error FROM knowledge_source ORDER BY source, kind',
  );
  const solvedBefore = connection
    .prepare<[number, number], number>('SELECT id FROM knowledge_solved WHERE solved_at < ? ORDER BY solved_at LIMIT ?')
    .pluck();
  const linked = connection.prepare<[], number>(`SELECT count(*) FROM knowledge_solved WHERE links <> '[]'`).pluck();
  const erased = connection.prepare<[string], number>('SELECT 1 FROM knowledge_erased WHERE customer = ?').pluck();
  return {
    articles: prepareKind<ArticleRow>(connection, 'articles'),
    solved: prepareKind<SolvedRow>(connection, 'solved'),
    canned: prepareKind<CannedRow>(connection, 'canned'),
    passages: {
      insert: prepareInsert<PassageRow>(connection, knowledgePassage),
      removeOf: (article: number) => void removePassages.run(article),
      after: prepareAfter<PassageRow>(connection, knowledgePassage),
      byRow: prepareByRow<PassageRow>(connection, knowledgePassage),
    },
    /** Of all there is, for callers that keep something made from it. */
    version: (): string => version.get() ?? '0',
    changed: () => void bump.run(),
    /** Solved tickets that name an article or link somewhere. */
    linked: (): number => linked.get() ?? 0,
    /** `customer`: a digest. */
    isErased: (customer: string): boolean => erased.get(customer) !== undefined,
    solvedBefore: (at: number, limit: number) => solvedBefore.all(Math.floor(at), limit),
    source: (source: string, kind: KnowledgeKind) =>
      sources.all().find((row) => row.source === source && row.kind === kind),
    sources: () => sources.all(),
    putSource: (source: string, kind: KnowledgeKind, { cursor, syncedAt, error }: SyncState) =>
      void putSource.run(source, kind, cursor, syncedAt, error),
  };
}

export type KnowledgeTables = ReturnType<typeof prepareKnowledgeTables>;

/** SQL that says that what is known has changed. */
export const BUMP_VERSION = `INSERT INTO meta (key, value) VALUES ('knowledge_version', '1')
  ON CONFLICT (key) DO UPDATE SET value = value + 1`;

export interface Place {
  readonly id: number;
  readonly source: string;
  readonly hash: string;
}

function prepareKind<Row extends object>(connection: Connection, kind: KnowledgeKind) {
  const { table, key } = KINDS[kind];
  const name = getTableName(table);
  const locale = kind === 'articles' ? 'locale' : `''`;
  const find = prepare<Place>(
    connection,
    `SELECT id, source, hash FROM ${name} WHERE ${key} = ?${kind === 'articles' ? ' AND locale = ?' : ''}`,
  );
  const remove = connection.prepare(`DELETE FROM ${name} WHERE id = ?`);
  const idsOf = connection
    .prepare<[string, string], number>(`SELECT id FROM ${name} WHERE source = ? AND ${key} = ?`)
    .pluck();
  const keys = prepare<{ readonly id: number; readonly key: string; readonly locale: string }>(
    connection,
    `SELECT id, ${key} AS key, ${locale} AS locale FROM ${name} WHERE source = ? AND id > ? ORDER BY id LIMIT ${PAGE}`,
  );
  const counts = prepare<{ readonly source: string; readonly count: number }>(
    connection,
    `SELECT source, count(*) AS count FROM ${name} GROUP BY source`,
  );
  return {
    find: (...names: readonly string[]) => find.get(...names),
    insert: prepareInsert<Row>(connection, table),
    /** False: it was gone. */
    remove: (row: number): boolean => remove.run(row).changes > 0,
    rowsOf: (source: string, id: string) => idsOf.all(source, id),
    /** Some of a source's, by row. */
    keys: (source: string, after: number) => keys.all(source, after),
    counts: () => counts.all(),
    after: prepareAfter<Row>(connection, table),
    byRow: prepareByRow<Row>(connection, table),
  };
}

/** Answers the row's number. */
function prepareInsert<Row extends object>(connection: Connection, table: SQLiteTable) {
  const insert = connection.prepare<[object], never>(insertInto(table));
  return (row: Row): number => Number(insert.run({ ...row, id: null }).lastInsertRowid);
}

/** Some of all rows, by their numbers, with no more than these columns. */
function prepareAfter<Row extends object>(connection: Connection, table: SQLiteTable) {
  const columns = Object.entries(getTableColumns(table))
    .filter(([key]) => !['text', 'reply', 'subject', 'body', 'hash', 'source'].includes(key))
    .map(([key, column]) => `"${column.name}" AS "${key}"`)
    .join(', ');
  const after = prepare<Omit<Row, 'text' | 'reply' | 'subject' | 'body' | 'hash' | 'source'> & { readonly id: number }>(
    connection,
    `SELECT ${columns} FROM ${getTableName(table)} WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
  );
  return (row: number) => after.all(row);
}

function prepareByRow<Row extends object>(connection: Connection, table: SQLiteTable) {
  const byRow = prepare<Row & { readonly id: number }>(
    connection,
    `SELECT ${columnsOf(table)} FROM ${getTableName(table)} WHERE id = ?`,
  );
  return (row: number) => byRow.get(row);
}
