import { createHmac } from 'node:crypto';

/** Who writes on tickets. */
export type Author = 'customer' | 'agent' | 'us';

export interface Entry {
  readonly id: number;
  readonly author: Author;
  body: string;
  readonly public: boolean;
  readonly at: number;
}

export interface VendorTicket {
  readonly id: number;
  readonly createdAt: number;
  updatedAt: number;
  closed: boolean;
  readonly entries: Entry[];
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

/** A small model of a helpdesk: what its documents say of the calls we make, in the moment they take effect. */
export interface Vendor {
  readonly name: 'zendesk' | 'freshdesk';
  readonly tickets: Map<string, VendorTicket>;
  handle(method: string, url: URL, body: unknown): Reply;
  /** A customer's first message. */
  open(): VendorTicket;
  write(ticket: VendorTicket, author: Author, body: string, isPublic: boolean): Entry;
  /** As our ports name a message. */
  messageId(ticket: VendorTicket, entry: Entry): string;
  webhook(ticket: VendorTicket, entry: Entry, wall: number): { readonly headers: Headers; readonly body: Uint8Array };
}

const USERS = { customer: 7, agent: 8, us: 9 } as const;
export const WEBHOOK_SECRET = 'a-webhook-secret-of-the-simulation';
const EPOCH = Date.UTC(2026, 10, 23, 10, 0, 0);

interface Options {
  /** True time, ms. */
  readonly now: () => number;
  /** Called after each change of a ticket. */
  readonly onWrite: (vendor: Vendor, ticket: VendorTicket) => void;
}

type Handler = (method: string, path: string, body: unknown, query: URLSearchParams) => Reply | undefined;

const iso = (at: number): string => `${new Date(EPOCH + at).toISOString().slice(0, 19)}Z`;

function createBase(name: Vendor['name'], firstId: number, { now, onWrite }: Options, handler: Handler) {
  const tickets = new Map<string, VendorTicket>();
  let nextEntry = firstId * 100;
  const write = (ticket: VendorTicket, author: Author, body: string, isPublic: boolean): Entry => {
    const entry = { id: nextEntry++, author, body, public: isPublic, at: now() };
    ticket.entries.push(entry);
    ticket.updatedAt = now();
    onWrite(vendor, ticket);
    return entry;
  };
  const vendor = {
    name,
    tickets,
    write,
    open: (): VendorTicket => {
      const id = firstId + tickets.size;
      const ticket: VendorTicket = { id, createdAt: now(), updatedAt: now(), closed: false, entries: [] };
      tickets.set(String(id), ticket);
      write(ticket, 'customer', `<p>Message 1 of ${id}.</p>`, true);
      return ticket;
    },
    handle: (method: string, url: URL, body: unknown): Reply =>
      handler(method, url.pathname.replace('/api/v2', ''), body, url.searchParams) ?? { status: 404, body: {} },
    messageId: (ticket: VendorTicket, entry: Entry) =>
      name === 'freshdesk' && entry === ticket.entries[0] ? 'description' : String(entry.id),
    webhook: name === 'zendesk' ? zendeskWebhook : freshdeskWebhook,
  };
  return vendor;
}

export function createZendesk(options: Options): Vendor {
  const users = [
    { id: USERS.customer, name: 'Ada', role: 'end-user' },
    { id: USERS.agent, name: 'Grace', role: 'agent' },
    { id: USERS.us, name: 'Draftdesk', role: 'agent' },
  ];
  const shape = (ticket: VendorTicket) => ({
    id: ticket.id,
    subject: `Subject of ${ticket.id}`,
    status: ticket.closed ? 'closed' : 'open',
    updated_at: iso(ticket.updatedAt),
    requester_id: USERS.customer,
    tags: [],
    is_public: true,
    comment_count: ticket.entries.length,
  });
  const comment = (entry: Entry) => ({
    id: entry.id,
    author_id: USERS[entry.author],
    html_body: entry.body,
    public: entry.public,
    created_at: iso(entry.at),
    via: { channel: 'api' },
  });
  const update = (ticket: VendorTicket, body: ZendeskUpdate): Reply => {
    if (ticket.closed) {
      const description = 'Status: closed prevents ticket update';
      return { status: 422, body: { error: 'RecordInvalid', details: { status: [{ description }] } } };
    }
    const { safe_update: safe, updated_stamp: stamp, comment: said } = body.ticket;
    if (safe === true && stamp !== iso(ticket.updatedAt)) return { status: 409, body: { error: 'UpdateConflict' } };
    const entry = vendor.write(ticket, 'us', said.html_body, said.public !== false);
    const event = { id: entry.id, type: 'Comment', public: entry.public, html_body: entry.body };
    return { status: 200, body: { ticket: shape(ticket), audit: { events: [event] } } };
  };
  const vendor: Vendor = createBase('zendesk', 1000, options, (method, path, body, query) => {
    if (path === '/users/me.json') return { status: 200, body: { user: users[2] } };
    if (path === '/tickets/show_many.json') {
      const asked = (query.get('ids') ?? '').split(',');
      const found = asked.map((id) => vendor.tickets.get(id)).filter((ticket) => ticket !== undefined);
      return { status: 200, body: { tickets: found.map(shape), users } };
    }
    const [, id = '', comments] = /^\/tickets\/(\d+)(\/comments)?\.json$/.exec(path) ?? [];
    const ticket = vendor.tickets.get(id);
    if (ticket === undefined) return { status: 404, body: { error: 'RecordNotFound' } };
    if (method === 'PUT') return update(ticket, body as ZendeskUpdate);
    if (comments === undefined) return { status: 200, body: { ticket: shape(ticket), users } };
    return {
      status: 200,
      body: { comments: ticket.entries.map(comment).toReversed(), users, meta: { has_more: false } },
    };
  });
  return vendor;
}

interface ZendeskUpdate {
  readonly ticket: {
    readonly safe_update?: boolean;
    readonly updated_stamp?: string;
    readonly comment: { readonly html_body: string; readonly public?: boolean };
  };
}

function zendeskWebhook(ticket: VendorTicket, entry: Entry, wall: number): ReturnType<Vendor['webhook']> {
  const first = entry === ticket.entries[0];
  const body = JSON.stringify({
    id: `event-${entry.id}`,
    type: `zen:event-type:ticket.${first ? 'created' : 'comment_added'}`,
    detail: { id: String(ticket.id), status: 'OPEN', is_public: true, priority: null, updated_at: iso(entry.at) },
    event: first ? {} : { comment: { id: String(entry.id), is_public: true, author: { is_staff: false } } },
  });
  const stamp = `${new Date(wall).toISOString().slice(0, 19)}Z`;
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(stamp).update(body).digest('base64');
  return {
    headers: new Headers({
      'x-zendesk-webhook-signature-timestamp': stamp,
      'x-zendesk-webhook-signature': signature,
    }),
    body: new TextEncoder().encode(body),
  };
}

/** Entries that the ticket's own answer includes. */
const INCLUDED = 10;

export function createFreshdesk(options: Options): Vendor {
  const shape = (entry: Entry) => ({
    id: entry.id,
    user_id: USERS[entry.author],
    body: entry.body,
    private: !entry.public,
    incoming: entry.author === 'customer',
    source: 2,
    created_at: iso(entry.at),
  });
  const find = (id: number): [VendorTicket, Entry] | undefined => {
    for (const ticket of vendor.tickets.values()) {
      const entry = ticket.entries.find((one) => one.id === id);
      if (entry !== undefined) return [ticket, entry];
    }
    return undefined;
  };
  const changeNote = (method: string, id: number, body: unknown): Reply => {
    const found = find(id);
    if (found === undefined) return { status: 404 };
    const [ticket, entry] = found;
    if (method === 'DELETE') ticket.entries.splice(ticket.entries.indexOf(entry), 1);
    else entry.body = (body as { body: string }).body;
    options.onWrite(vendor, ticket);
    return method === 'DELETE' ? { status: 204 } : { status: 200, body: shape(entry) };
  };
  const vendor: Vendor = createBase('freshdesk', 2000, options, (method, path, body) => {
    if (path === '/agents/me') return { status: 200, body: { id: USERS.us } };
    const [, noteId] = /^\/conversations\/(\d+)$/.exec(path) ?? [];
    if (noteId !== undefined) return changeNote(method, Number(noteId), body);
    const [, id = '', part] = /^\/tickets\/(\d+)(\/notes|\/conversations)?$/.exec(path) ?? [];
    const ticket = vendor.tickets.get(id);
    if (ticket === undefined) return { status: 404 };
    const [description, ...entries] = ticket.entries;
    if (part === '/notes') {
      const note = body as { body: string; private?: boolean };
      return { status: 201, body: shape(vendor.write(ticket, 'us', note.body, note.private !== true)) };
    }
    if (part === '/conversations') return { status: 200, body: entries.map(shape) };
    return {
      status: 200,
      body: {
        id: ticket.id,
        subject: `Subject of ${ticket.id}`,
        description: description?.body,
        status: ticket.closed ? 5 : 2,
        source: 1,
        requester_id: USERS.customer,
        created_at: iso(ticket.createdAt),
        conversations: entries.slice(0, INCLUDED).map(shape),
      },
    };
  });
  return vendor;
}

function freshdeskWebhook(ticket: VendorTicket, entry: Entry): ReturnType<Vendor['webhook']> {
  const event = entry === ticket.entries[0] ? '{ticket_action:created}' : '{note_type:public}';
  return {
    headers: new Headers({ 'x-draftdesk-token': WEBHOOK_SECRET }),
    body: new TextEncoder().encode(JSON.stringify({ ticket_id: String(ticket.id), event })),
  };
}

/** The vendor's clock, as its answers tell it. */
export const vendorDate = (at: number): string => new Date(EPOCH + at).toUTCString();
export const wallAt = (at: number): number => EPOCH + at;
