import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Article, SolvedTicket } from '../../src/core/knowledge-base.ts';

/** A real ticket with the answer that people gave, and which articles they linked. */
export interface LabelledTicket {
  readonly solved: SolvedTicket;
  readonly english: boolean;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Ids of articles; empty: nobody linked one. */
  readonly articles: readonly string[];
}

export interface RetrievalData {
  readonly articles: readonly Article[];
  readonly tickets: readonly LabelledTicket[];
  /** Solved tickets of another file that vouch for those of `tickets`; null: those vouch for one another. */
  readonly history: readonly LabelledTicket[] | null;
}

export interface RetrievalFiles {
  readonly data: string;
  readonly tickets?: string | undefined;
  readonly relevance?: string | undefined;
  readonly historyTickets?: string | undefined;
  readonly historyRelevance?: string | undefined;
}

/** Reads the folder's `knowledge`, `tickets` and `relevance` files, or those that are named. Throws where one is missing. */
export function readRetrievalData(files: RetrievalFiles): RetrievalData {
  const { data, historyTickets, historyRelevance } = files;
  const tickets = readTickets(
    files.tickets ?? inFolder(data, 'tickets'),
    files.relevance ?? inFolder(data, 'relevance'),
  );
  const history =
    historyTickets === undefined
      ? null
      : readTickets(historyTickets, historyRelevance ?? historyTickets.replace('tickets', 'relevance'));
  return { articles: lines<ArticleLine>(inFolder(data, 'knowledge')).map(articleOf), tickets, history };
}

function inFolder(folder: string, name: string): string {
  const names = ['', '-public', '-heldout'].map((suffix) => join(folder, `${name}${suffix}.jsonl`));
  const found = names.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`None of these is there: ${names.join(', ')}`);
  return found;
}

interface ArticleLine {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly url?: string;
  readonly source_url?: string;
  readonly locale?: string;
}

interface TicketLine {
  readonly id: string;
  readonly subject: string;
  readonly description: string;
  readonly reference_reply: string;
  readonly language: string;
  readonly created: string;
  readonly customer: string;
}

interface RelevanceLine {
  readonly ticket: string;
  readonly knowledge: string;
  readonly generic: boolean;
}

function lines<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

function articleOf({ id, title, body, url, source_url }: ArticleLine): Article {
  return { id, locale: 'en', title, body, url: url ?? source_url ?? null, updatedAt: null, restricted: false };
}

function readTickets(ticketsFile: string, relevanceFile: string): LabelledTicket[] {
  const linked = new Map<string, string[]>();
  for (const { ticket, knowledge, generic } of lines<RelevanceLine>(relevanceFile)) {
    if (!generic) linked.set(ticket, [...(linked.get(ticket) ?? []), knowledge]);
  }
  return lines<TicketLine>(ticketsFile).map(
    ({ id, subject, description, reference_reply: reply, language, created, customer }) => {
      const createdAt = Date.parse(created);
      const articles = linked.get(id) ?? [];
      const solved = { id, subject, description, reply, customer, solvedAt: createdAt, articles };
      return { solved, english: language === 'en', createdAt, articles };
    },
  );
}
