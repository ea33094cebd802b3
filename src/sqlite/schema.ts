import { sql } from 'drizzle-orm';
import { blob, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { AdminRole } from '../core/admin-token.ts';
import type { BatchLane, BatchState } from '../core/batch.ts';
import type { ErrorClass } from '../core/errors.ts';
import type { KnowledgeKind } from '../core/knowledge-base.ts';
import type { AttemptStage, Stage } from '../core/outbox.ts';
import type { DraftSource, Lane, TicketStatus } from '../core/ticket.ts';

/*
 * The tables. `npm run migration` turns a change here into a SQL file under migrations/sqlite, which is what runs.
 * Times: `*_at` are epoch ms of the wall clock; `due_at`, `lease_until`, `queued_at`, `pending_at` and
 * `post_intended_at` are Clock.steady ms.
 */

/** SQL for jobs that are over and whose texts are still there: exactly the rows of the index `job_text`. */
export const FINISHED_WITH_TEXT = `text_removed_at IS NULL AND status IN ('posted', 'accepted', 'edited', 'discarded', 'skipped', 'dead', 'cancelled')`;

/** A ticket of a helpdesk: identity and what we know of it. Its status is that of its current job. */
export const ticket = sqliteTable(
  'ticket',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    helpdesk: text().notNull(),
    ticketId: text('ticket_id').notNull(),
    subject: text(),
    requesterId: text('requester_id'),
    jobId: text('job_id').notNull(),
    /** Newest customer message that a posted draft has seen, and that note's marker. */
    postedSeenId: text('posted_seen_id'),
    postedMarker: text('posted_marker'),
    createdAt: integer('created_at').notNull(),
  },
  (t) => [
    uniqueIndex('ticket_identity').on(t.helpdesk, t.ticketId),
    index('ticket_requester')
      .on(t.helpdesk, t.requesterId)
      .where(sql`requester_id IS NOT NULL`),
    // what a search goes through: texts that are still there, and nothing else
    index('ticket_subject')
      .on(t.id, t.subject)
      .where(sql`subject IS NOT NULL`),
  ],
);

/** One round of work on a ticket: draft, perhaps review and revise, then post. The hot indexes cover live rows only, so they stay small. */
export const job = sqliteTable(
  'job',
  {
    id: text().primaryKey(),
    ticket: integer().notNull(),
    helpdesk: text().notNull(),
    batchId: text('batch_id'),
    status: text().$type<TicketStatus>().notNull(),
    stage: text().$type<Stage>().notNull(),
    /** 0 live, 1 batch. */
    lane: integer().$type<0 | 1>().notNull(),
    /** Index in `PRIORITIES`; orders live jobs. */
    priority: integer().notNull().default(2),
    /** Set while the job waits, and only then; `NOT_YET` while its batch has not let it go. */
    dueAt: integer('due_at'),
    /** `dueAt` of what was claimed last: how long it has waited for a worker. */
    readyAt: integer('ready_at'),
    /** Set while a worker has it, and only then. */
    owner: text(),
    leaseUntil: integer('lease_until'),
    attempt: integer().notNull().default(0),
    stageAttempt: integer('stage_attempt').notNull().default(0),
    failures: integer().notNull().default(0),
    /** Tries in a row that never ended because the process died (see crashes.ts). */
    crashes: integer().notNull().default(0),
    marker: text().notNull(),
    traceparent: text().notNull(),
    /** May tell nothing new: compared, once the conversation is fetched, with the posted draft (1) or its own (2). */
    verify: integer().$type<0 | 1 | 2>().notNull().default(0),
    /** `released`: this draft was held and an operator let it go; a newer one is held again. */
    post: text().$type<'auto' | 'hold' | 'released'>().notNull().default('auto'),
    draftId: text('draft_id'),
    /** What a model has said to look for; made from the ticket's text. */
    query: text(),
    /** Name of the rule that has kept it back. */
    rule: text(),
    postIntendedAt: integer('post_intended_at'),
    /** A newer event arrived while a worker had the job. */
    pendingAt: integer('pending_at'),
    pendingMessageId: text('pending_message_id'),
    reason: text(),
    errorClass: text('error_class'),
    error: text(),
    noteId: text('note_id'),
    /** Its texts are gone (RETENTION_DAYS, or its requester was erased). */
    textRemovedAt: integer('text_removed_at'),
    /** 0: a later job of the same ticket has taken its place. */
    current: integer().$type<0 | 1>().notNull().default(1),
    queuedAt: integer('queued_at').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (t) => [
    index('job_due_live')
      .on(t.stage, t.helpdesk, t.priority, t.dueAt)
      .where(sql`due_at IS NOT NULL AND lane = 0`),
    index('job_due_batch')
      .on(t.batchId, t.stage, sql`(attempt = 0)`, t.dueAt)
      .where(sql`due_at IS NOT NULL AND lane = 1`),
    index('job_running')
      .on(t.owner)
      .where(sql`owner IS NOT NULL`),
    index('job_reviewing')
      .on(t.stage)
      .where(sql`stage IN ('review', 'revise')`),
    index('job_suspect')
      .on(t.crashes)
      .where(sql`crashes >= 2`),
    index('job_status').on(t.status, t.id),
    index('job_failing')
      .on(t.status, t.errorClass, t.id)
      .where(sql`current = 1 AND status IN ('dead', 'retrying')`),
    index('job_helpdesk').on(t.helpdesk, t.id),
    index('job_ticket').on(t.ticket),
    index('job_text').on(t.updatedAt).where(sql.raw(FINISHED_WITH_TEXT)),
    index('job_batch')
      .on(t.batchId, t.id)
      .where(sql`batch_id IS NOT NULL`),
    index('job_batch_joined')
      .on(t.batchId)
      .where(sql`batch_id IS NOT NULL AND lane = 0`),
    index('job_batch_held')
      .on(t.batchId, t.id)
      .where(sql`batch_id IS NOT NULL AND status = 'drafted'`),
    index('job_batch_ended')
      .on(t.batchId, t.status, t.id)
      .where(sql`batch_id IS NOT NULL AND status IN ('dead', 'cancelled')`),
    index('job_batch_errors')
      .on(t.batchId, t.errorClass)
      .where(sql`batch_id IS NOT NULL AND error_class IS NOT NULL`),
  ],
);

/** Every draft that was paid for. */
export const draft = sqliteTable(
  'draft',
  {
    id: text().primaryKey(),
    ticket: integer().notNull(),
    jobId: text('job_id').notNull(),
    version: integer().notNull(),
    body: text(),
    finding: text(),
    language: text().notNull(),
    confidence: real().notNull(),
    questions: text({ mode: 'json' }).$type<string[]>().notNull(),
    sources: text({ mode: 'json' }).$type<DraftSource[]>().notNull(),
    /** JSON of what is not proved, not known and closest; null: nothing is. */
    grounding: text(),
    /** JSON of a DraftVersions. */
    versions: text(),
    cut: text(),
    /** JSON of a DraftReview. */
    review: text(),
    model: text().notNull(),
    promptTokens: integer('prompt_tokens').notNull(),
    cachedTokens: integer('cached_tokens').notNull(),
    completionTokens: integer('completion_tokens').notNull(),
    costUsd: real('cost_usd'),
    conversationVersion: text('conversation_version').notNull(),
    seenMessageId: text('seen_message_id'),
    createdAt: integer('created_at').notNull(),
  },
  (t) => [index('draft_ticket').on(t.ticket, t.version)],
);

/** One try of one stage. */
export const attempt = sqliteTable(
  'attempt',
  {
    id: integer().primaryKey(),
    ticket: integer().notNull(),
    jobId: text('job_id').notNull(),
    stage: text().$type<AttemptStage>().notNull(),
    number: integer().notNull(),
    startedAt: integer('started_at').notNull(),
    durationMs: integer('duration_ms').notNull(),
    outcome: text().$type<'ok' | 'retry' | 'dead' | 'cancelled'>().notNull(),
    errorClass: text('error_class'),
    error: text(),
    promptTokens: integer('prompt_tokens'),
    completionTokens: integer('completion_tokens'),
    costUsd: real('cost_usd'),
    /** For the LLM's rate budget. */
    waitedMs: integer('waited_ms'),
  },
  (t) => [index('attempt_ticket').on(t.ticket), index('attempt_job').on(t.jobId)],
);

/** Idempotency keys of the events we have acknowledged. Kept longer than texts: promise 4. */
export const event = sqliteTable(
  'event',
  {
    helpdesk: text().notNull(),
    key: text().notNull(),
    ticket: integer().notNull(),
    receivedAt: integer('received_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.helpdesk, t.key] })],
);

export const batch = sqliteTable(
  'batch',
  {
    id: text().primaryKey(),
    name: text(),
    helpdesk: text().notNull(),
    state: text().$type<BatchState>().notNull(),
    total: integer().notNull(),
    post: text().$type<'auto' | 'hold'>().notNull(),
    lane: text().$type<BatchLane>().notNull().default('standard'),
    skipDrafted: integer('skip_drafted').$type<0 | 1>().notNull().default(0),
    skippedDrafted: integer('skipped_drafted').notNull().default(0),
    /** JSON of a TicketFilter; null when the ids were given. */
    filter: text(),
    /** 1: the walk over the helpdesk's list goes on at `cursor`. */
    listing: integer().$type<0 | 1>().notNull().default(0),
    cursor: text(),
    canarySize: integer('canary_size'),
    canaryMaxErrorRate: real('canary_max_error_rate'),
    /** How many tickets may have begun; null: all. `opened`: how many have been let go so far. */
    target: integer(),
    opened: integer().notNull().default(0),
    forgivenProcessed: integer('forgiven_processed').notNull().default(0),
    forgivenFailed: integer('forgiven_failed').notNull().default(0),
    /** Why it is paused: null when a person did it. */
    reason: text(),
    errorClass: text('error_class').$type<ErrorClass>(),
    budgetUsd: real('budget_usd'),
    promptTokens: integer('prompt_tokens').notNull().default(0),
    completionTokens: integer('completion_tokens').notNull().default(0),
    costUsd: real('cost_usd').notNull().default(0),
    /** 1: slices of work on its rows are left (see batch-tending.ts). */
    todo: integer().$type<0 | 1>().notNull().default(0),
    /** JSON: which ended tickets to revive, which held drafts to release, and how far that has come. */
    revive: text(),
    release: text(),
    createdAt: integer('created_at').notNull(),
    finishedAt: integer('finished_at'),
  },
  (t) => [
    index('batch_active')
      .on(t.helpdesk, t.id)
      .where(sql`state IN ('canary', 'running')`),
    index('batch_todo')
      .on(t.id)
      .where(sql`todo = 1`),
  ],
);

/** Ids of a batch that are not jobs yet; the row goes when all are. */
export const batchIds = sqliteTable('batch_ids', {
  batchId: text('batch_id').primaryKey(),
  /** JSON array. */
  ids: text().notNull(),
  /** How many of them are done. */
  position: integer().notNull(),
});

/** Drafts of a batch that go to the provider's Batch API together. */
export const consignment = sqliteTable(
  'consignment',
  {
    key: text().primaryKey(),
    batchId: text('batch_id').notNull(),
    model: text().notNull(),
    /** The provider's id; null until it is known to have it. */
    providerId: text('provider_id'),
    lines: integer().notNull().default(0),
    /** What its open lines can cost at most, and one of them. */
    reservedUsd: real('reserved_usd').notNull().default(0),
    lineUsd: real('line_usd').notNull().default(0),
    createdAt: integer('created_at').notNull(),
    /** Since then the provider may have it. */
    sendingAt: integer('sending_at'),
    doneAt: integer('done_at'),
  },
  (t) => [
    index('consignment_batch').on(t.batchId),
    index('consignment_open')
      .on(t.key)
      .where(sql`done_at IS NULL`),
  ],
);

/** Jobs whose draft is on its way; the row goes when its result is stored. */
export const consigned = sqliteTable(
  'consigned',
  {
    jobId: text('job_id').primaryKey(),
    key: text().notNull(),
    /** Of the claim that the result is reported with. */
    attempt: integer().notNull(),
    usd: real(),
    /** JSON of a ConsignedContext. */
    context: text().notNull(),
  },
  (t) => [index('consigned_key').on(t.key, t.jobId)],
);

/** USD spent per UTC day: scope '' is all, else `helpdesk requesterId`. */
export const spending = sqliteTable(
  'spending',
  {
    /** `2026-11-24`. */
    day: text().notNull(),
    scope: text().notNull(),
    costUsd: real('cost_usd').notNull(),
  },
  (t) => [primaryKey({ columns: [t.day, t.scope] })],
);

/** Scopes whose work stands still: `all`, `llm`, a helpdesk's name. */
export const pause = sqliteTable('pause', {
  scope: text().primaryKey(),
  reason: text().notNull(),
  errorClass: text('error_class'),
  since: integer().notNull(),
});

/** Deaths of the process nobody wanted, of late: epoch ms. */
export const crash = sqliteTable('crash', { at: integer().notNull() });

/**
 * How many jobs have each status, kept by triggers (migration 0001) so that no reader counts rows: scope '' counts
 * the current jobs of all tickets, any other scope is a batch id.
 */
export const statusCount = sqliteTable(
  'status_count',
  {
    scope: text().notNull(),
    status: text().$type<TicketStatus>().notNull(),
    n: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.scope, t.status] })],
);

/**
 * Who changed what through the admin API. Triggers (in the migration that makes the table) keep it append-only: only
 * `outcome` and `subject` are set once, when the end is known.
 */
export const audit = sqliteTable('audit', {
  id: integer().primaryKey({ autoIncrement: true }),
  at: integer().notNull(),
  who: text(),
  role: text().$type<AdminRole>(),
  address: text(),
  action: text().notNull(),
  subject: text(),
  outcome: text(),
  count: integer().notNull().default(1),
});

/** A help article in one language; `locale` is '' where the source does not tell. */
export const knowledgeArticle = sqliteTable(
  'knowledge_article',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    articleId: text('article_id').notNull(),
    locale: text().notNull(),
    source: text().notNull(),
    title: text().notNull(),
    url: text(),
    restricted: integer().$type<0 | 1>().notNull(),
    updatedAt: integer('updated_at'),
    /** What it is found by across languages, as `packCounts` gives it. */
    grams: blob({ mode: 'buffer' }).notNull(),
    /** Of the item as it was given: the same again changes nothing. */
    hash: text().notNull(),
  },
  (t) => [
    uniqueIndex('knowledge_article_key').on(t.articleId, t.locale),
    index('knowledge_article_source').on(t.source),
  ],
);

/** Text under one heading of an article. `words`: what it is found by, as `packCounts` gives it. */
export const knowledgePassage = sqliteTable(
  'knowledge_passage',
  {
    id: integer().primaryKey(),
    article: integer().notNull(),
    heading: text().notNull(),
    text: text().notNull(),
    words: blob({ mode: 'buffer' }).notNull(),
  },
  (t) => [index('knowledge_passage_article').on(t.article)],
);

/** A ticket that people have answered. Its question is kept as `words` only. */
export const knowledgeSolved = sqliteTable(
  'knowledge_solved',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    ticketId: text('ticket_id').notNull(),
    source: text().notNull(),
    customer: text(),
    solvedAt: integer('solved_at'),
    subject: text().notNull(),
    reply: text().notNull(),
    /** JSON: names of the articles that it was answered with (see knowledge/article-links.ts). */
    links: text({ mode: 'json' }).$type<string[]>().notNull(),
    words: blob({ mode: 'buffer' }).notNull(),
    hash: text().notNull(),
  },
  (t) => [
    uniqueIndex('knowledge_solved_key').on(t.ticketId),
    index('knowledge_solved_source').on(t.source),
    index('knowledge_solved_at').on(t.solvedAt),
    index('knowledge_solved_customer')
      .on(t.customer)
      .where(sql`customer IS NOT NULL`),
    // with all that a count of them needs
    index('knowledge_solved_linked')
      .on(t.links)
      .where(sql`links <> '[]'`),
  ],
);

/** A macro or canned response. */
export const knowledgeCanned = sqliteTable(
  'knowledge_canned',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    cannedId: text('canned_id').notNull(),
    source: text().notNull(),
    title: text().notNull(),
    body: text().notNull(),
    updatedAt: integer('updated_at'),
    words: blob({ mode: 'buffer' }).notNull(),
    hash: text().notNull(),
  },
  (t) => [uniqueIndex('knowledge_canned_key').on(t.cannedId), index('knowledge_canned_source').on(t.source)],
);

/**
 * What an embedding model made of a passage (kind 0) or of a solved ticket's question (kind 1), while there is one.
 * Triggers (in the migration that makes the table) remove it with its passage or ticket.
 */
export const knowledgeVector = sqliteTable(
  'knowledge_vector',
  {
    kind: integer().$type<0 | 1>().notNull(),
    /** Of the passage or solved ticket. */
    row: integer().notNull(),
    /** Of the text that it is made of: equal texts are paid for once. */
    digest: text().notNull(),
    /** That text, where the other tables do not have it. */
    text: text(),
    /** Which model made it, and how long it is; null with `vector` until then. */
    model: text(),
    /** A byte a number (knowledge/vectors.ts). */
    vector: blob({ mode: 'buffer' }),
  },
  (t) => [
    primaryKey({ columns: [t.kind, t.row] }),
    index('knowledge_vector_digest').on(t.digest),
    index('knowledge_vector_missing')
      .on(t.kind, t.row)
      .where(sql`vector IS NULL`),
  ],
);

/** How far each source of knowledge has been read. */
export const knowledgeSource = sqliteTable(
  'knowledge_source',
  {
    source: text().notNull(),
    kind: text().$type<KnowledgeKind>().notNull(),
    cursor: text(),
    syncedAt: integer('synced_at'),
    error: text(),
  },
  (t) => [primaryKey({ columns: [t.source, t.kind] })],
);

/** Digests of customers who were erased: what they wrote does not come back with the next pass over a helpdesk. */
export const knowledgeErased = sqliteTable('knowledge_erased', { customer: text().primaryKey() });

/** Facts of this installation: the key that markers are made with. */
export const meta = sqliteTable('meta', {
  key: text().primaryKey(),
  value: text().notNull(),
});

/** The lane column. */
export function laneNumber(lane: Lane): 0 | 1 {
  return lane === 'live' ? 0 : 1;
}

/** Due time of jobs that their batch has not let go: later than any clock, and no time to be moved. */
export const NOT_YET = Number.MAX_SAFE_INTEGER;
