import { open } from 'node:fs/promises';
import { UpstreamError } from '../core/errors.ts';
import type { Conversation, Helpdesk } from '../core/helpdesk.ts';
import { CommandError, systemCode } from './command-error.ts';
import {
  FILE_HELPDESK,
  fileHelpdesk,
  type FiledTicket,
  notAsked,
  ticketIdOf,
  toConversation,
} from './file-helpdesk.ts';
import { type Fields, readRecords, type RecordParser } from './file-records.ts';

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

/** A ticket, or what is wrong with the record. */
function readTicket(fields: Fields | string): FiledTicket | string {
  if (typeof fields === 'string') return fields;
  const { id, subject, description } = fields;
  const named = typeof id === 'string' ? id.trim() !== '' && id.length <= ID_MAX : Number.isSafeInteger(id);
  if (!named) return `needs an "id": text of 1 to ${ID_MAX} characters, or a whole number below 2^53`;
  if (typeof subject !== 'string' || typeof description !== 'string') {
    return 'needs "subject" and "description", both text';
  }
  return { id: id as string | number, subject, description };
}
