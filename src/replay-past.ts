import { createHash } from 'node:crypto';
import type { FileRunConfig } from './config.ts';
import { sha256, systemClock } from './core/clock.ts';
import type { SkipReason } from './core/errors.ts';
import type { Conversation } from './core/helpdesk.ts';
import type { KnowledgeBase, PutResult, SolvedTicket } from './core/knowledge-base.ts';
import type { ReplayedTicket } from './core/replay-result.ts';
import { chooseSample, type Candidate } from './core/replay-sample.ts';
import type { DraftVersions, TicketDetail } from './core/ticket.ts';
import type { Evidence } from './drafting/passages.ts';
import { versionsOf } from './drafting/versions.ts';
import { importLines, type ImportOptions, type RejectedLine } from './http/knowledge-import.ts';
import { articleKey, articleLine, itemKey, pastLine, type PastLine } from './http/knowledge-lines.ts';
import { compareReplies, createWordWeights, hasWords } from './knowledge/compare-replies.ts';
import { languageOf } from './knowledge/language-of.ts';
import { readMessage } from './knowledge/message.ts';
import { findEvidence } from './pool/find-evidence.ts';
import { openDatabase } from './sqlite/database.ts';
import { openKnowledgeBase } from './sqlite/knowledge-base.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';

/** Lines as in an import of the service; asked for anew each time they are read. */
type Lines = () => AsyncIterable<Uint8Array>;

export interface PastFiles {
  /** `POST /admin/knowledge/solved`. */
  readonly solved: Lines;
  /** `POST /admin/knowledge/articles`; null: there are none. */
  readonly articles: Lines | null;
}

export interface PastOptions {
  /** Where the knowledge base of these files lies. */
  readonly databasePath: (digest: string) => string;
  readonly migrationsFolder: string;
  /** How many tickets are to be drafted. */
  readonly sample: number;
  /** Asked while reading; true ends it with a `RequestError`. */
  readonly stopping: () => boolean;
}

/** One that is drafted again. */
export interface PastTicket extends PastLine {
  /** Of the question; null where it does not tell. */
  readonly language: string | null;
}

/** What a team has answered, and what it knew before each answer. */
export interface Past extends AsyncDisposable {
  /** To be drafted again, in the order of the file. */
  readonly tickets: readonly PastTicket[];
  /** How many there are to choose from. */
  readonly usable: number;
  /** Of the chosen: without a time, so that nothing is known to be later. */
  readonly undated: number;
  /** Of what was read, short: changes with every change of it. */
  readonly digest: string;
  readonly rejected: Readonly<Record<'articles' | 'solved', readonly RejectedLine[]>>;
  /** Searches as if it were the day on which a ticket was solved. `ticketOf` tells which ticket an id of the outbox is. */
  asOf(ticketOf: (ticketId: string) => SolvedTicket | undefined): Pick<KnowledgeBase, 'search' | 'summary'>;
  compare(solved: SolvedTicket, made: Pick<TicketDetail, 'status' | 'reason' | 'draft'> | null): ReplayedTicket;
}

const SOURCE = 'import/replay';
const NO_CHANGE: PutResult = { imported: 0, updated: 0, rejected: [] };

/**
 * Reads the files into a knowledge base of their own and chooses the tickets. What was read by an earlier run is not read
 * into it again. Throws what the database throws, and `RequestError` when it is to stop.
 */
export async function openPast(files: PastFiles, options: PastOptions): Promise<Past> {
  const clock = systemClock();
  const digest = await digestOf([files.articles, files.solved]);
  const { migrationsFolder, stopping } = options;
  const connection = openDatabase({ path: options.databasePath(digest), migrationsFolder });
  try {
    const knowledge = openKnowledgeBase(connection, { clock });
    const read = readerOf(knowledge, { clock, stopping });
    const articles =
      files.articles === null
        ? []
        : await read({
            kind: 'articles',
            lines: files.articles,
            line: articleLine,
            key: articleKey,
            put: (items) => knowledge.putArticles(SOURCE, items),
          });
    const weights = createWordWeights();
    const candidates = new Map<string, Candidate>();
    const solved = await read({
      kind: 'solved',
      lines: files.solved,
      line: pastLine,
      key: itemKey,
      put: (items) => knowledge.putSolved(SOURCE, items),
      see: (ticket) => {
        weights.add(ticket.reply);
        const question = questionOf(ticket);
        if (question !== '' && hasWords(ticket.reply))
          candidates.set(ticket.id, { id: ticket.id, language: languageOf(question) });
      },
    });
    const chosen = chooseSample([...candidates.values()], options.sample);
    const tickets = new Map<string, PastTicket>();
    await importLines(files.solved(), {
      line: pastLine,
      key: itemKey,
      put: async (items) => {
        // the last line of an id is the one that counts
        for (const item of items)
          if (chosen.has(item.id))
            tickets.set(item.id, { ...item, language: candidates.get(item.id)?.language ?? null });
        return NO_CHANGE;
      },
      keepOnly: null,
      clock,
      stopping,
    });
    return {
      tickets: [...tickets.values()],
      usable: candidates.size,
      undated: [...tickets.values()].filter(({ solvedAt }) => solvedAt === null).length,
      digest,
      rejected: { articles, solved },
      asOf: (ticketOf) => ({
        summary: () => knowledge.summary(),
        search: async (query) => {
          const ticket = ticketOf(query.ticketId?.split('/').at(-1) ?? '');
          if (ticket === undefined) throw new Error('a ticket that is not replayed has no past');
          const { id: ticketId, customer, solvedAt: before } = ticket;
          return await knowledge.search({ ...query, ticketId, customer, before });
        },
      }),
      compare: (ticket, made) => compareTicket(ticket, made, weights),
      [Symbol.asyncDispose]: async () => {
        connection.close();
      },
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** What somebody wrote, as plain text without what it quotes. */
export function plainOf(written: string): string {
  return readMessage(written).text;
}

function questionOf({ subject, description }: SolvedTicket): string {
  return plainOf(`${subject}\n${description}`);
}

interface Reading<Item> extends Pick<ImportOptions<Item>, 'line' | 'key' | 'put'> {
  readonly kind: 'articles' | 'solved';
  readonly lines: Lines;
  readonly see?: (item: Item) => void;
}

/** Reads lines, and puts them into the knowledge base unless an earlier run has put all of them. */
function readerOf(knowledge: KnowledgeBase, { clock, stopping }: Pick<ImportOptions<never>, 'clock' | 'stopping'>) {
  return async <Item extends { readonly id: string }>(reading: Reading<Item>): Promise<readonly RejectedLine[]> => {
    const { kind, lines, line, key, put, see } = reading;
    const isIn = knowledge.syncState(SOURCE, kind).cursor === 'all';
    const { rejected } = await importLines(lines(), {
      line,
      key,
      put: async (items) => {
        if (see !== undefined) items.forEach(see);
        return isIn ? NO_CHANGE : await put(items);
      },
      keepOnly: null,
      clock,
      stopping,
    });
    if (!isIn) await knowledge.saveSyncState(SOURCE, kind, { cursor: 'all', syncedAt: clock.now(), error: null });
    return rejected;
  };
}

async function digestOf(files: readonly (Lines | null)[]): Promise<string> {
  const hash = createHash('sha256');
  for (const lines of files) {
    if (lines !== null) for await (const chunk of lines()) hash.update(chunk);
    hash.update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

/** Reasons of tickets that a rule has kept back. */
const BY_RULE: ReadonlySet<string | null> = new Set<SkipReason>(['rule', 'not_in_share', 'control_group']);

function compareTicket(
  ticket: SolvedTicket,
  made: Pick<TicketDetail, 'status' | 'reason' | 'draft'> | null,
  weights: ReturnType<typeof createWordWeights>,
): ReplayedTicket {
  const { id } = ticket;
  const none = { id, similarity: null, sharedLink: null, sameLanguage: null, lengthRatio: null, unproven: 0 };
  const { draft = null, status = 'dead', reason = null } = made ?? {};
  const costUsd = draft?.costUsd ?? null;
  if (status === 'skipped' && BY_RULE.has(reason)) return { ...none, outcome: 'ruled_out', costUsd };
  if (status === 'dead' || status === 'cancelled') return { ...none, outcome: 'failed', costUsd };
  if (draft === null || draft.body === null) return { ...none, outcome: 'declined', costUsd };
  const { body, sources, unproven } = draft;
  const articles = sources.filter(({ kind }) => kind === 'article');
  const compared = compareReplies({ body, articles }, ticket, weights);
  return { id, outcome: 'drafted', ...compared, unproven: unproven.length, costUsd };
}

/** Of all that drafts are made with, short; the same again makes no new run. */
export function replayId(config: FileRunConfig, versions: DraftVersions): string {
  const { maskPersonalData, linkHosts, llm } = config;
  const { module, settings } = llm;
  const sides = { review: module.reviewModel(settings), query: module.queryModel(settings) };
  const named = Object.entries(sides).filter(([, model]) => model !== null);
  return sha256(JSON.stringify([versions, maskPersonalData, linkHosts, ...named])).slice(0, 8);
}

/** What drafts are made with by this configuration; `digest` stands for what is known. */
export function replayVersions(config: FileRunConfig, rules: string | null, digest: string): DraftVersions {
  const { module, settings } = config.llm;
  const upstream = { fetch: createUpstreamFetch(), clock: systemClock(), allowInsecureUpstreams: true };
  const { model } = module.create(settings, upstream);
  return { ...versionsOf(config.guidelines, { rules, knowledge: digest }), model };
}

/** What a draft of this ticket would rest on: for estimates. */
export async function pastEvidence(
  conversation: Conversation,
  helpdesk: string,
  knowledge: Pick<KnowledgeBase, 'search' | 'summary'>,
): Promise<Evidence | null> {
  return await findEvidence(conversation, { name: helpdesk }, knowledge);
}
