import { getTableColumns, getTableName } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Connection } from './database.ts';

/*
 * Hand-written SQL for the hot path (drizzle's builder costs more than the statement here), typed by drizzle's
 * schema: columns are named once, in schema.ts.
 */

/** `"batch_id" AS "batchId", …`: a row selected so has the type `Table['$inferSelect']`, JSON columns as text. */
export function columnsOf(table: SQLiteTable): string {
  return Object.entries(getTableColumns(table))
    .map(([key, column]) => `"${column.name}" AS "${key}"`)
    .join(', ');
}

/** `INSERT INTO … (…) VALUES (@id, …)`, bound by an object of the row's type. */
export function insertInto(table: SQLiteTable): string {
  const columns = Object.entries(getTableColumns(table));
  const names = columns.map(([, column]) => `"${column.name}"`).join(', ');
  const values = columns.map(([key]) => `@${key}`).join(', ');
  return `INSERT INTO "${getTableName(table)}" (${names}) VALUES (${values})`;
}

/** `UPDATE … SET … WHERE id = @id`, writing every column but the id. */
export function updateById(table: SQLiteTable): string {
  const assignments = Object.entries(getTableColumns(table))
    .filter(([key]) => key !== 'id')
    .map(([key, column]) => `"${column.name}" = @${key}`)
    .join(', ');
  return `UPDATE "${getTableName(table)}" SET ${assignments} WHERE "id" = @id`;
}

/** A statement that answers rows of type `Row`. */
export function prepare<Row>(connection: Connection, sql: string) {
  return connection.prepare<unknown[], Row>(sql);
}
