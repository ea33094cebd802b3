import {
  type Conversation,
  type Helpdesk,
  type LookRequest,
  type Message,
  NO_TRAITS,
  type Note,
  type PostLook,
  type PostRequest,
} from '../../src/core/helpdesk.ts';

export interface StubHelpdesk extends Helpdesk {
  readonly notes: { readonly ticketId: string; readonly note: Note; readonly noteId: string }[];
  readonly calls: { conversation: number; look: number; post: number; probe: number };
  /** Replaces a method for the next calls; answer undefined to fall through to the stub's own. */
  script: {
    conversation?: (ticketId: string, signal: AbortSignal) => Promise<Conversation> | undefined;
    look?: (request: LookRequest) => Promise<PostLook> | undefined;
    post?: (request: PostRequest, signal: AbortSignal) => Promise<{ noteId: string }> | undefined;
    probe?: () => Promise<void>;
    room?: () => number;
  };
  land(request: PostRequest): { noteId: string };
}

export function makeMessage(overrides: Partial<Message> = {}): Message {
  return {
    id: '100',
    author: 'customer',
    authorName: 'Ada',
    html: '<p>My invoice is wrong.</p>',
    createdAt: 0,
    public: true,
    verified: true,
    ...overrides,
  };
}

export function makeConversation(ticketId: string, overrides: Partial<Conversation> = {}): Conversation {
  return {
    ticketId,
    subject: `Subject of ${ticketId}`,
    requesterId: '7',
    requesterName: 'Ada',
    locale: 'en',
    traits: NO_TRAITS,
    unavailable: null,
    messages: [makeMessage()],
    omitted: 0,
    ownNotes: [],
    version: 'v1',
    ...overrides,
  };
}

/** A helpdesk in memory, for tests of the pool: no wire, no vendor. */
export function stubHelpdesk(name = 'zendesk'): StubHelpdesk {
  const notes: StubHelpdesk['notes'] = [];
  const calls = { conversation: 0, look: 0, post: 0, probe: 0 };
  const script: StubHelpdesk['script'] = {};
  const land = ({ ticketId, note }: PostRequest) => {
    const noteId = `note-${notes.length + 1}`;
    notes.push({ ticketId, note, noteId });
    return { noteId };
  };
  return {
    name,
    notes,
    calls,
    script,
    land,
    ambiguousWaitMs: 1000,
    authenticate: () => true,
    parse: () => ({ kind: 'ignored', reason: 'stub' }),
    conversation: async (ticketId, signal) => {
      calls.conversation += 1;
      return (await script.conversation?.(ticketId, signal)) ?? makeConversation(ticketId);
    },
    look: async (request) => {
      calls.look += 1;
      const own = notes.find(({ note, ticketId }) => note.marker === request.marker && ticketId === request.ticketId);
      return (
        (await script.look?.(request)) ??
        (own === undefined ? { kind: 'clear', fence: 'v1' } : { kind: 'posted', noteId: own.noteId })
      );
    },
    postPrivateNote: async (request, signal) => {
      calls.post += 1;
      return (await script.post?.(request, signal)) ?? land(request);
    },
    listTickets: async () => ({ tickets: [], nextCursor: null }),
    probe: async () => {
      calls.probe += 1;
      await script.probe?.();
    },
    room: () => script.room?.() ?? 1000,
    demand: () => [{ limit: `${name}.updates`, perMinute: 100, perTicket: 1, perNote: 1 }],
    limits: () => ({ requestsPerMinute: 1000, usedRequests: 0, waitedMs: 0, pausedUntil: null }),
  };
}
