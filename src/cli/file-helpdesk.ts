import { sha256 } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import { type Conversation, type Helpdesk, NO_TRAITS } from '../core/helpdesk.ts';
import { NOT_ASKED } from '../file-run.ts';

/** The name under which the outbox knows a file's tickets. */
export const FILE_HELPDESK = 'file';

/** A ticket as a line of a file has it. */
export interface FiledTicket {
  readonly id: string | number;
  readonly subject: string;
  readonly description: string;
}

/**
 * The outbox wants decimal ids. Made from the id and the text, they stay the same wherever a line stands in the file,
 * and a changed text is new work: 52 bits, so that among 50,000 lines two meet once in four million files.
 */
export function ticketIdOf({ id, subject, description }: FiledTicket): string {
  const digest = sha256(JSON.stringify([String(id), subject, description]));
  return String(BigInt(`0x${digest.slice(0, 13)}`) + 1n);
}

/** As a helpdesk would tell of it; `receivedAt` is in epoch ms. */
export function toConversation(
  ticketId: string,
  { subject, description }: FiledTicket,
  receivedAt: number,
): Conversation {
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

/** Nothing is ever posted to a file: its tickets are held. */
export function fileHelpdesk(conversation: (ticketId: string) => Promise<Conversation>): Helpdesk {
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

/** Work of an earlier run that this one was not asked for, e.g. on a line that has been changed since. */
export function notAsked(): UpstreamError {
  return new UpstreamError('gone', 'This line was not asked for.', { upstream: FILE_HELPDESK, reason: NOT_ASKED });
}
