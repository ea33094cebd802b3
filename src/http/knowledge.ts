import type { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { RequestError } from '../core/errors.ts';
import {
  type Found,
  KNOWLEDGE_KINDS,
  type KnowledgeBase,
  type KnowledgeKind,
  type PutResult,
} from '../core/knowledge-base.ts';
import type { KnowledgeSyncer } from '../core/knowledge-sync.ts';
import type { EmbeddingProgress } from '../core/vector-store.ts';
import type { ServiceControl } from '../core/service-control.ts';
import { type AdminApp, type AdminContext, adminRoute, pathParameter } from './admin-auth.ts';
import { outlastRequestTimeout } from './client-errors.ts';
import { readQuery } from './input.ts';
import { importQuery, knowledgeApi, searchQuery } from './knowledge-api.ts';
import { importLines, type ImportOptions, type ImportResult } from './knowledge-import.ts';
import { articleKey, articleLine, cannedLine, itemKey, solvedLine } from './knowledge-lines.ts';
import { startSync } from './knowledge-sync.ts';
import { described } from './operation.ts';
import { jsonResponse } from './responses.ts';
import { readUpload, type UploadLimits } from './upload.ts';

export interface KnowledgeDeps {
  readonly knowledge: KnowledgeBase;
  /** Without it no helpdesk is read. */
  readonly knowledgeSync?: KnowledgeSyncer | undefined;
  /** Without it there are no vectors. */
  readonly embeddings?: { progress(): EmbeddingProgress } | undefined;
  readonly clock: Clock;
  readonly control: ServiceControl;
  /** Of an import; others than usual in tests. */
  readonly uploadLimits?: UploadLimits;
}

/** Imports under way at a time: each holds a handful of items. */
const IMPORTS_MAX = 4;

/** Help articles, solved tickets and canned replies: taken in, searched, counted. */
export function addKnowledgeRoutes(app: AdminApp, deps: KnowledgeDeps): void {
  const { knowledge, knowledgeSync } = deps;
  adminRoute(app, '/knowledge', {
    GET: described(knowledgeApi.get, () => jsonResponse(summaryJson(deps))),
  });
  adminRoute(app, '/knowledge/search', {
    GET: described(knowledgeApi.search, async (c) => {
      const { subject, q, customer, locale, limit } = readQuery(c.req, searchQuery);
      const query = { subject, text: q, customer: customer || null, locale: locale || null, limit };
      return jsonResponse(foundJson(await knowledge.search(query)));
    }),
  });
  adminRoute(app, '/knowledge/sync', {
    POST: described(knowledgeApi.sync, () => jsonResponse({ sync: startSync(knowledgeSync) }, 202)),
  });
  const seats = createImportSeats();
  const importRoute = <Item extends { readonly id: string }>(kind: KnowledgeKind, intake: Intake<Item>): void =>
    adminRoute(app, `/knowledge/${kind}`, {
      POST: described(knowledgeApi[kind], (c) => seats(() => importInto(c, kind, intake, deps))),
    });
  importRoute('articles', {
    line: articleLine,
    key: articleKey,
    put: (source, items) => knowledge.putArticles(source, items),
  });
  importRoute('solved', { line: solvedLine, key: itemKey, put: (source, items) => knowledge.putSolved(source, items) });
  importRoute('canned', { line: cannedLine, key: itemKey, put: (source, items) => knowledge.putCanned(source, items) });
  adminRoute(app, '/knowledge/:kind/:id', {
    DELETE: described(knowledgeApi.remove, async (c) =>
      jsonResponse({ removed: await remove(knowledge, pathParameter(c, 'kind'), pathParameter(c, 'id')) }),
    ),
  });
}

interface Intake<Item> extends Pick<ImportOptions<Item>, 'line' | 'key'> {
  readonly line: z.ZodType<Item>;
  readonly put: (source: string, items: readonly Item[]) => Promise<PutResult>;
}

async function importInto<Item extends { readonly id: string }>(
  c: AdminContext,
  kind: KnowledgeKind,
  { line, key, put }: Intake<Item>,
  { knowledge, clock, control, uploadLimits }: KnowledgeDeps,
): Promise<Response> {
  const { source: name, complete } = readQuery(c.req, importQuery);
  assertPlain(c.req.raw.headers);
  const source = name === undefined ? 'import' : `import/${name}`;
  const { incoming }: Partial<typeof c.env> = c.env ?? {};
  const restore = outlastRequestTimeout(incoming?.socket);
  try {
    const result = await importLines(readUpload(c.req.raw, clock, uploadLimits), {
      line,
      key,
      put: (items) => put(source, items),
      keepOnly: complete === 'true' ? (keys) => knowledge.keepOnly(source, kind, keys) : null,
      clock,
      stopping: () => control.stopping(),
    });
    c.set('made', `${source}: ${countsOf(result)}`);
    return jsonResponse(importJson(result, complete === 'true'));
  } finally {
    restore();
  }
}

function assertPlain(headers: Headers): void {
  const encoding = headers.get('content-encoding') ?? 'identity';
  const isForm = /^multipart\//i.test(headers.get('content-type') ?? '');
  if (encoding.toLowerCase() === 'identity' && !isForm) return;
  const detail = 'Send plain lines of JSON as application/x-ndjson: not compressed, and not as a form.';
  throw new RequestError('unsupported_type', detail);
}

function countsOf({ imported, updated, rejected, moreRejected, removed }: ImportResult): string {
  const bad = rejected.length + moreRejected;
  return `${imported} imported, ${updated} updated, ${bad} rejected${removed === null ? '' : `, ${removed} removed`}`;
}

function importJson({ imported, updated, rejected, moreRejected, removed }: ImportResult, complete: boolean): object {
  return {
    imported,
    updated,
    rejected,
    ...(moreRejected === 0 ? {} : { moreRejected }),
    ...(complete ? { removed } : {}),
  };
}

function createImportSeats() {
  let taken = 0;
  return async (run: () => Promise<Response>): Promise<Response> => {
    if (taken >= IMPORTS_MAX) throw new RequestError('unavailable', `${IMPORTS_MAX} imports are under way already.`);
    taken += 1;
    try {
      return await run();
    } finally {
      taken -= 1;
    }
  };
}

async function remove(knowledge: KnowledgeBase, kindGiven: string, id: string): Promise<number> {
  const kind = KNOWLEDGE_KINDS.find((each) => each === kindGiven);
  let removed = 0;
  for (const { source } of knowledge.summary().sources.filter((each) => each.kind === kind))
    if (kind !== undefined) removed += await knowledge.remove(source, kind, [id]);
  if (removed === 0) throw new RequestError('not_found', 'Nothing of this kind and id is known here.');
  return removed;
}

function summaryJson({ knowledge, knowledgeSync, embeddings }: KnowledgeDeps): object {
  const { counts, linked, sources, version } = knowledge.summary();
  return {
    counts,
    linked,
    sources: sources.map(({ source, kind, count, syncedAt, error }) => ({
      source,
      kind,
      count,
      syncedAt: syncedAt === null ? null : new Date(syncedAt).toISOString(),
      error,
    })),
    sync: knowledgeSync?.progress() ?? [],
    ...(embeddings === undefined ? {} : { vectors: embeddings.progress() }),
    version,
  };
}

function foundJson({ articles, solved, canned, version }: Found): object {
  return {
    articles: articles.map(({ id, locale, title, url, restricted, heading, passage, share, votes }) => ({
      id,
      locale,
      title,
      url,
      restricted,
      heading,
      excerpt: passage,
      share,
      votes,
    })),
    solved: solved.map(({ id, subject, reply, score }) => ({ id, subject, reply, score })),
    canned: canned.map(({ id, title, body, score }) => ({ id, title, body, score })),
    version,
  };
}
