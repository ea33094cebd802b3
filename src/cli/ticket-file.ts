import { open } from 'node:fs/promises';
import { sha256 } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import { type Conversation, type Helpdesk, NO_TRAITS } from '../core/helpdesk.ts';
import { NOT_ASKED } from '../file-run.ts';
import { CommandError, systemCode } from './command-error.ts';
import { type Fields, readRecords, type RecordParser } from './file-records.ts';

/** The name under which the outbox knows a file's tickets. */
export const FILE_HELPDESK = 'file';

/** One ticket of a file: where its text stands, not the text. */
export interface FileTicket {
  readonly id: string | number;
  /** 0-based, among the tickets of the file. */
  readonly ordinal: number;
  readonly line: number;
  readonly start: number;
  readonly length: number;
}

/** A file of tickets as a helpdesk that only drafts are made for. */
export interface TicketFile extends AsyncDisposable {
  /** By the id that the outbox gets, in the file's order. */
  readonly tickets: ReadonlyMap<string, FileTicket>;
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
  /** Lines whose id an earlier line has. */
  readonly duplicates: readonly { readonly line: number; readonly firstLine: number }[];
  readonly helpdesk: Helpdesk;
  /** One ticket as the model will see it. */
  conversation(ticketId: string): Promise<Conversation>;
}

const COLUMNS = ['id', 'subject', 'description'];
const ID_MAX = 200;

export interface TicketFileOptions {
  /** Only so many from the beginning are handed out. */
  readonly limit: number;
  /** Told when a line is not what it was when the file was read; nothing of it is drafted then. */
  readonly onChanged: () => void;
  /** Epoch ms that the tickets are taken to be from: the files do not tell. */
  readonly receivedAt: number;
}

/** Reads a whole file once, keeping ids and places only. Throws `CommandError` when it cannot be used at all. */
export async function openTicketFile(path: string, options: TicketFileOptions): Promise<TicketFile> {
  const tickets = new Map<string, FileTicket>();
  const problems: { line: number; problem: string }[] = [];
  const duplicates: { line: number; firstLine: number }[] = [];
  const lineOf = new Map<string, number>();
  let parser: RecordParser | null = null;
  const file = await openFile(path);
  try {
    for await (const { fields, ...place } of readRecords(path, COLUMNS, (found) => (parser = found))) {
      const ticket = readTicket(fields);
      if (typeof ticket === 'string') {
        problems.push({ line: place.line, problem: ticket });
        continue;
      }
      const firstLine = lineOf.get(String(ticket.id));
      if (firstLine !== undefined) {
        duplicates.push({ line: place.line, firstLine });
        continue;
      }
      lineOf.set(String(ticket.id), place.line);
      const { line, start, length } = place;
      tickets.set(ticketIdOf(ticket), { id: ticket.id, ordinal: tickets.size, line, start, length });
    }
  } catch (error) {
    await file.close();
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${path} cannot be read (${systemCode(error)}).`, undefined, { cause: error });
  }

  const conversation = async (ticketId: string): Promise<Conversation> => {
    const place = tickets.get(ticketId);
    if (place === undefined || place.ordinal >= options.limit || parser === null) throw notAsked();
    const bytes = Buffer.alloc(place.length);
    await file.read(bytes, 0, place.length, place.start);
    const ticket = readTicket(parser(bytes));
    if (typeof ticket === 'string' || ticketIdOf(ticket) !== ticketId) {
      options.onChanged();
      throw new UpstreamError('cancelled', 'The file was changed while it was read.', { upstream: FILE_HELPDESK });
    }
    return toConversation(ticketId, ticket, options.receivedAt);
  };

  return {
    tickets,
    problems,
    duplicates,
    conversation,
    helpdesk: fileHelpdesk(conversation),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function openFile(path: string): ReturnType<typeof open> {
  try {
    const file = await open(path);
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (error) {
    throw new CommandError(`${path} cannot be read (${systemCode(error)}).`, undefined, { cause: error });
  }
  throw new CommandError(`${path} is not a file.`);
}

interface Ticket {
  readonly id: string | number;
  readonly subject: string;
  readonly description: string;
}

/** A ticket, or what is wrong with the record. */
function readTicket(fields: Fields | string): Ticket | string {
  if (typeof fields === 'string') return fields;
  const { id, subject, description } = fields;
  const named = typeof id === 'string' ? id.trim() !== '' && id.length <= ID_MAX : Number.isSafeInteger(id);
  if (!named) return `needs an "id": text of 1 to ${ID_MAX} characters, or a whole number below 2^53`;
  if (typeof subject !== 'string' || typeof description !== 'string') {
    return 'needs "subject" and "description", both text';
  }
  return { id: id as string | number, subject, description };
}

/**
 * The outbox wants decimal ids. Made from the id and the text, they stay the same wherever a line stands in the file,
 * and a changed text is new work: 52 bits, so that among 50,000 lines two meet once in four million files.
 */
function ticketIdOf({ id, subject, description }: Ticket): string {
  const digest = sha256(JSON.stringify([String(id), subject, description]));
  return String(BigInt(`0x${digest.slice(0, 13)}`) + 1n);
}

function toConversation(ticketId: string, { subject, description }: Ticket, receivedAt: number): Conversation {
  const silent = subject.trim() === '' && description.trim() === '';
  return {
    ticketId,
    subject,
    requesterId: null,
    requesterName: null,
    locale: null,
    traits: NO_TRAITS,
    unavailable: null,
    messages: silent
      ? []
      : [
          {
            id: '1',
            author: 'customer',
            authorName: null,
            html: toHtml(description),
            createdAt: receivedAt,
            public: true,
            verified: true,
          },
        ],
    omitted: 0,
    ownNotes: [],
    version: '',
  };
}

const ELEMENT =
  /<\/?(?:a|b|blockquote|body|br|center|code|div|em|font|h[1-6]|head|hr|html|i|img|li|ol|p|pre|small|span|strong|table|tbody|td|th|tr|u|ul)(?:\s[^<>]*)?\/?>/i;

/** Plain text keeps its lines; what holds a known element is HTML already. */
function toHtml(description: string): string {
  if (ELEMENT.test(description)) return description;
  return description
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/\r\n?|\n/g, '<br>');
}

/** Work of an earlier run that this one was not asked for, e.g. on a line that has been changed since. */
function notAsked(): UpstreamError {
  return new UpstreamError('gone', 'This line was not asked for.', { upstream: FILE_HELPDESK, reason: NOT_ASKED });
}

/** Nothing is ever posted to a file: its tickets are held. */
function fileHelpdesk(conversation: TicketFile['conversation']): Helpdesk {
  const never = (): never => {
    throw new UpstreamError('invalid_request', 'A file takes no notes.', { upstream: FILE_HELPDESK });
  };
  return {
    name: FILE_HELPDESK,
    authenticate: () => false,
    parse: never,
    conversation,
    look: async () => never(),
    postPrivateNote: async () => never(),
    listTickets: async () => never(),
    probe: async () => undefined,
    room: () => 0,
    limits: () => ({ requestsPerMinute: 0, usedRequests: 0, waitedMs: 0, pausedUntil: null }),
    demand: () => [],
    ambiguousWaitMs: 0,
  };
}
