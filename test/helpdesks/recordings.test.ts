import { describe, expect, it } from 'vitest';
import type { Helpdesk } from '../../src/core/helpdesk.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import { learnZendesk } from '../../src/helpdesks/zendesk-errors.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { readPass } from '../contracts/knowledge.ts';
import { failure, json, never, recording, stubFetch, testDeps } from './deps.ts';

// Answers of live accounts, beside the project and not part of it: skipped where the folder is not there.

interface Exchange {
  readonly response: { readonly status: number; readonly body: Record<string, unknown> };
}
interface Nock {
  readonly status: number;
  readonly response: unknown;
  readonly rawHeaders?: readonly string[];
}

const exchanges = (name: string): readonly Exchange[] | undefined => recording(name) as readonly Exchange[] | undefined;
const nocks = (name: string): readonly Nock[] | undefined => recording(name) as readonly Nock[] | undefined;

function zendeskOn(answers: Record<string, Response>): Helpdesk {
  const settings = zendesk.settings.parse({
    ZENDESK_BASE_URL: 'https://acme.zendesk.com',
    ZENDESK_OAUTH_TOKEN: 'ready-token',
    ZENDESK_WEBHOOK_SECRET: 'webhook-secret-one',
  });
  return zendesk.create(settings, testDeps(stubFetch(answers).fetch));
}

const POST = { ticketId: '1', fence: '', note: { marker: 'dd-abcdefghijkl', blocks: [] } };

describe.skipIf(recording('zendesk/ticket-create.json') === undefined)('Zendesk recordings', () => {
  it('reads a recorded ticket', async () => {
    const created = exchanges('zendesk/ticket-create.json')?.[0]?.response.body['ticket'] as {
      id: number;
      subject: string;
    };
    const ticketId = String(created.id);
    const helpdesk = zendeskOn({
      [`GET /api/v2/tickets/${ticketId}.json`]: json({ ticket: created }),
      [`GET /api/v2/tickets/${ticketId}/comments.json`]: json({ comments: [] }),
      'GET /api/v2/users/me.json': json({ user: { id: 1 } }),
    });
    const seen = await helpdesk.conversation(ticketId, never);
    expect(seen).toMatchObject({ ticketId, subject: created.subject, unavailable: null, omitted: 0 });
    const filed = created as unknown as Record<string, number | null>;
    expect(filed['brand_id']).toEqual(expect.any(Number));
    expect(seen.traits).toEqual({
      brand: String(filed['brand_id']),
      group: filed['group_id'] === null ? null : String(filed['group_id']),
      channel: (created as unknown as { via: { channel: string } }).via.channel,
      tags: filed['tags'],
      priority: filed['priority'],
    });
  });

  it('an update that wrote no comment is not taken for a note', async () => {
    const [update] = exchanges('zendesk/ticket-update.json') ?? [];
    const helpdesk = zendeskOn({ 'PUT /api/v2/tickets/1.json': json(update?.response.body) });
    expect((await failure(helpdesk.postPrivateNote(POST, never))).errorClass).toBe('ambiguous_post');
  });

  it('tells public from private in recorded audits', async () => {
    const [found] = exchanges('zendesk/ticket-audits-public-and-private.json') ?? [];
    const audits = found?.response.body['audits'] as readonly {
      events: readonly { id: number; type: string; public?: boolean }[];
    }[];
    const outcomes = new Set<boolean>();
    for (const audit of audits) {
      const comment = audit.events.find((event) => event.type === 'Comment');
      if (comment === undefined) continue;
      outcomes.add(comment.public === true);
      const posted = zendeskOn({ 'PUT /api/v2/tickets/1.json': json({ audit }) }).postPrivateNote(POST, never);
      if (comment.public === true) expect((await failure(posted)).errorClass).toBe('posted_public');
      else expect(await posted).toEqual({ noteId: String(comment.id) });
    }
    expect(outcomes.size).toBe(2);
  });

  it('reads a recorded ticket as a solved one, with recorded comments', async () => {
    const created = exchanges('zendesk/ticket-create.json')?.[0]?.response.body['ticket'] as {
      id: number;
      requester_id: number;
    };
    const [found] = exchanges('zendesk/ticket-audits-public-and-private.json') ?? [];
    const audits = found?.response.body['audits'] as readonly {
      created_at: string;
      events: readonly Record<string, unknown>[];
    }[];
    const ticket = { ...created, status: 'closed' };
    const comments = audits
      .flatMap(({ created_at, events }) => events.map((event): Record<string, unknown> => ({ created_at, ...event })))
      .filter(({ type }) => type === 'Comment');
    const question = { ...comments[0], author_id: created.requester_id };
    const helpdesk = zendeskOn({
      'GET /api/v2/search/export.json': json({ results: [ticket] }),
      'GET /api/v2/tickets/show_many.json': json({ tickets: [ticket] }),
      [`GET /api/v2/tickets/${created.id}/comments.json`]: json({
        comments: [question, ...comments.slice(1, 3)],
        users: [
          { id: created.requester_id, role: 'end-user' },
          { id: comments[2]?.['author_id'], role: 'admin' },
        ],
      }),
    });
    const { items } = await readPass(helpdesk.knowledge, 'solved');
    expect(items).toMatchObject([
      {
        id: `zendesk/${created.id}`,
        customer: `zendesk/${created.requester_id}`,
        description: comments[0]?.['html_body'],
        reply: comments[2]?.['html_body'],
      },
    ]);
  });

  it('a deleted ticket is gone', async () => {
    const missing = exchanges('zendesk/ticket-delete-then-404.json')?.find(({ response }) => response.status === 404);
    const helpdesk = zendeskOn({ 'GET /api/v2/tickets/8869.json': json(missing?.response.body, 404) });
    expect(await failure(helpdesk.conversation('8869', never))).toMatchObject({
      errorClass: 'gone',
      reason: 'not_found',
    });
  });

  it.each(['no_creds', 'incorrect_token'])('row 12: the recorded answer to %s is no proof', async (name) => {
    const [me] = nocks(`zendesk/node-zendesk-authentication_test_${name}.json`) ?? [];
    expect(me?.status).toBe(200);
    const helpdesk = zendeskOn({ 'GET /api/v2/users/me.json': json(me?.response) });
    expect((await failure(helpdesk.probe(never))).errorClass).toBe('auth');
  });

  it('reads the headers of 2023', () => {
    const [bulk] = nocks('zendesk/node-zendesk-organizations_many_test_update_multiple.json') ?? [];
    const raw = bulk?.rawHeaders ?? [];
    const headers = new Headers();
    for (let index = 0; index < raw.length; index += 2) headers.append(raw[index] ?? '', raw[index + 1] ?? '');
    const call = { method: 'GET', url: '', headers: {}, budgets: ['requests'], step: 'read' } as const;
    expect(learnZendesk(headers, call)).toEqual([expect.objectContaining({ budget: 'requests', total: 700 })]);
  });
});

describe.skipIf(recording('freshdesk/ticket_1.json') === undefined)('Freshdesk recordings', () => {
  const ticket = recording('freshdesk/ticket_1.json') as { description: string; requester_id: number };
  const conversations = recording('freshdesk/conversations.json') as readonly object[];
  const agent = recording('freshdesk/agent_1.json') as object;
  const on = (answers: Record<string, Response>): Helpdesk => {
    const settings = freshdesk.settings.parse({
      FRESHDESK_BASE_URL: 'https://acme.freshdesk.com',
      FRESHDESK_API_KEY: 'key-of-an-agent',
      FRESHDESK_WEBHOOK_TOKEN: 'webhook-token-one',
    });
    return freshdesk.create(settings, testDeps(stubFetch(answers).fetch));
  };

  it('reads a recorded ticket with its conversation', async () => {
    const helpdesk = on({ 'GET /api/v2/tickets/1?': json({ ...ticket, conversations }) });
    const seen = await helpdesk.conversation('1', never);
    expect(seen).toMatchObject({ ticketId: '1', unavailable: null, requesterId: String(ticket.requester_id) });
    expect(seen.messages.map(({ id, author }) => [id, author])).toEqual([
      ['description', 'customer'],
      ['2', 'agent'],
    ]);
    expect(seen.messages[0]?.html).toBe(ticket.description);
    const filed = ticket as unknown as Record<string, number | null>;
    expect(seen.traits).toEqual({
      brand: filed['product_id'] === null ? null : String(filed['product_id']),
      group: filed['group_id'] === null ? null : String(filed['group_id']),
      channel: 'portal',
      tags: filed['tags'],
      priority: 'low',
    });
  });

  it('reads a recorded ticket as a resolved one; a reply of four words is no answer to learn from', async () => {
    const readAs = (body: string) => {
      const entries = conversations.map((entry) => ('id' in entry && entry.id === 2 ? { ...entry, body } : entry));
      const resolved = { ...ticket, status: 4 };
      const lists = { 'GET /api/v2/tickets?': json([resolved]) };
      const helpdesk = on({ ...lists, 'GET /api/v2/tickets/1?': json({ ...resolved, conversations: entries }) });
      return readPass(helpdesk.knowledge, 'solved');
    };
    const short = await readAs('<div>This is a reply</div>');
    expect([short.items, short.gone]).toEqual([[], ['freshdesk/1']]);
    const reply = `<div>${'This is a reply that says something. '.repeat(3)}</div>`;
    expect((await readAs(reply)).items).toMatchObject([
      { id: 'freshdesk/1', reply, description: ticket.description, customer: `freshdesk/${ticket.requester_id}` },
    ]);
  });

  it('takes a recorded private note for one, and a recorded reply for public', async () => {
    const note = on({ 'POST /api/v2/tickets/1/notes': json(recording('freshdesk/note_1.json'), 201) });
    expect(await note.postPrivateNote(POST, never)).toEqual({ noteId: '1' });
    const reply = on({ 'POST /api/v2/tickets/1/notes': json(recording('freshdesk/reply_1.json'), 201) });
    expect((await failure(reply.postPrivateNote(POST, never))).errorClass).toBe('posted_public');
  });

  it('knows its own user from a recorded agent', async () => {
    await expect(on({ 'GET /api/v2/agents/me': json(agent) }).probe(never)).resolves.toBeUndefined();
  });
});
