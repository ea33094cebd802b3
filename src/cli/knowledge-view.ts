import type { KnowledgeKind } from '../core/knowledge-base.ts';
import type { SourceProgress } from '../core/knowledge-sync.ts';
import type { EmbeddingProgress } from '../core/vector-store.ts';
import { formatCount, formatTable, paint } from './progress-view.ts';
import { shown } from './shown.ts';

/** `GET /admin/knowledge`. */
export interface KnowledgeSummary {
  readonly counts: Readonly<Record<KnowledgeKind, number>>;
  readonly linked: number;
  readonly sources: readonly {
    readonly source: string;
    readonly kind: KnowledgeKind;
    readonly count: number;
    readonly syncedAt: string | null;
    readonly error: string | null;
  }[];
  readonly sync: readonly SourceProgress[];
  readonly vectors?: EmbeddingProgress;
  readonly version: string;
}

/** What is shown of `GET /admin/knowledge/search`. */
export interface KnowledgeFound {
  readonly articles: readonly {
    readonly id: string;
    readonly title: string;
    readonly url: string | null;
    readonly heading: string;
    readonly excerpt: string;
    readonly share: number;
    readonly votes: number;
  }[];
  readonly solved: readonly { readonly id: string; readonly subject: string; readonly reply: string }[];
  readonly canned: readonly { readonly id: string; readonly title: string; readonly body: string }[];
}

/** Of a text so much is shown, characters. */
const SHOWN_MAX = 300;

export function describeKnowledge({ counts, linked, sources, sync, vectors, version }: KnowledgeSummary): string {
  if (sources.length === 0 && sync.length === 0)
    return 'Nothing is known yet. Bring it with draftdesk knowledge import, or draftdesk knowledge sync.\n';
  const rows: (readonly [string, string])[] = [
    ['articles', formatCount(counts.articles)],
    ['solved tickets', `${formatCount(counts.solved)}, ${formatCount(linked)} of them with a link`],
    ['canned replies', formatCount(counts.canned)],
    ...(vectors === undefined ? [] : [['vectors', describeVectors(vectors)] as const]),
    ['version', version],
  ];
  const read = sources.map(({ source, kind, count, syncedAt, error }): readonly [string, string] => {
    const when = syncedAt === null ? '' : `, read to its end at ${syncedAt}`;
    const why = error === null ? '' : `; ${shown(error)}`;
    return [`${source} ${kind}`, `${formatCount(count)}${when}${why}`];
  });
  const table = formatTable(process.stdout, [...rows, ...read]);
  return `\n${table}${sync.length === 0 ? '' : `\n${formatTable(process.stdout, sync.map(describeSource))}`}\n`;
}

function describeVectors({ model, state, wanted, made, refused, error }: EmbeddingProgress): string {
  const parts = [`${formatCount(made)} of ${formatCount(wanted)} by ${shown(model)}`, state];
  if (refused > 0) parts.push(`${formatCount(refused)} refused`);
  return [...parts, ...(error === null ? [] : [shown(error)])].join(', ');
}

export function describeSource({ source, kind, ...pass }: SourceProgress): readonly [string, string] {
  const { state, listed, imported, updated, removed, rejected, error } = pass;
  const counts = Object.entries({ listed, imported, updated, removed, rejected })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${formatCount(count)} ${name}`);
  const why = error === null ? [] : [shown(error)];
  return [`${source} ${kind}`, [state, ...counts, ...why].join(', ')];
}

export function describeFound({ articles, solved, canned }: KnowledgeFound): string {
  if (articles.length + solved.length + canned.length === 0) return 'Nothing is found for that.\n';
  const blocks = [
    ...articles.map(({ id, title, url, heading, excerpt, share, votes }) => {
      const why = `${Math.round(share * 100)} % of the evidence, ${votes} ${votes === 1 ? 'vote' : 'votes'}`;
      return block(`${title} (${id})`, why, [url, heading, excerpt]);
    }),
    ...solved.map(({ id, subject, reply }) => block(`${subject} (${id})`, 'solved ticket', [reply])),
    ...canned.map(({ id, title, body }) => block(`${title} (${id})`, 'canned reply', [body])),
  ];
  return `\n${blocks.join('\n')}\n`;
}

function block(title: string, what: string, texts: readonly (string | null)[]): string {
  const lines = texts.flatMap((text) => (text === null || text === '' ? [] : [`    ${short(text)}\n`]));
  return `  ${paint(process.stdout, 'bold', short(title))}  ${paint(process.stdout, 'gray', what)}\n${lines.join('')}`;
}

function short(text: string): string {
  const line = shown(text);
  return line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX).toWellFormed()}…` : line;
}
