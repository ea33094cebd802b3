import type { Breathe } from '../core/breathe.ts';
import { createMemory, type Memory } from '../knowledge/memory.ts';
import { hashOf } from '../knowledge/words.ts';
import type { ArticleRow, KnowledgeTables, SolvedRow } from './knowledge-tables.ts';

/** Builds what searches go through from the tables, with pauses. */
export async function loadMemory(
  tables: KnowledgeTables,
  leftOut: ReadonlySet<string>,
  breathe: Breathe,
): Promise<Memory> {
  const memory = createMemory(leftOut);
  await each(tables.articles.after, breathe, (row) => memory.addArticle(row.id, faceOf(row), row.grams));
  await each(tables.passages.after, breathe, (row) => memory.addPassage(row.id, row.article, row.words));
  await each(tables.solved.after, breathe, (row) => memory.solved.add(row.id, row.words, factsOf(row)));
  await each(tables.canned.after, breathe, (row) => memory.canned.add(row.id, row.words, null));
  return memory;
}

async function each<Row extends { readonly id: number }>(
  after: (row: number) => readonly Row[],
  breathe: Breathe,
  visit: (row: Row) => void,
): Promise<void> {
  for (let last: number | undefined = 0; last !== undefined;) {
    const rows: readonly Row[] = after(last);
    rows.forEach(visit);
    last = rows.at(-1)?.id;
    await breathe();
  }
}

export function faceOf(row: Pick<ArticleRow, 'articleId' | 'locale' | 'title' | 'url' | 'restricted'>) {
  const { articleId: id, locale, title, url, restricted } = row;
  return { id, locale: locale === '' ? null : locale, title, url, restricted: restricted === 1 };
}

export function factsOf({
  ticketId,
  customer,
  solvedAt,
  links,
}: Omit<SolvedRow, 'reply' | 'subject' | 'hash' | 'words' | 'source'>) {
  return {
    ticket: hashOf(ticketId),
    customer: customer === null ? null : hashOf(customer),
    solvedAt,
    links: JSON.parse(links) as readonly string[],
  };
}
