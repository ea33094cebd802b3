import { describe, expect, it } from 'vitest';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { failure, json, never, type StubAnswer, stubFetch, testDeps } from './deps.ts';

/* What `connect` does at the vendors, beyond what test/cli/connect.test.ts sees with the simulators. */

const BASE = 'https://acme.zendesk.com';
const URL_OF_OURS = 'https://draftdesk.acme.com/webhooks/zendesk';
const settings = {
  baseUrl: BASE,
  credentials: { kind: 'client', clientId: 'one', clientSecret: 'two' } as const,
  webhookSecrets: ['a-secret-of-16-characters'],
  requestsPerMinute: 200,
  updatesPerMinute: 80,
};
const webhook = {
  id: '01A',
  name: 'Draftdesk',
  endpoint: URL_OF_OURS,
  status: 'active',
  http_method: 'POST',
  request_format: 'json',
};

function zendeskSetup(answers: Record<string, StubAnswer | readonly StubAnswer[]>, adminToken?: string) {
  const stub = stubFetch({
    'POST /oauth/tokens': json({ access_token: 'tok', token_type: 'bearer', expires_in: 1800 }),
    ...answers,
  });
  return { setup: zendesk.createSetup(settings, testDeps(stub.fetch), adminToken), calls: stub.calls };
}

const forbidden = json({ error: 'Forbidden', description: 'You do not have access' }, 403);

describe('the set-up of Zendesk', () => {
  it('asks for the scopes that webhooks and triggers need', async () => {
    const { setup, calls } = zendeskSetup({
      'GET /api/v2/users/me': json({ user: { id: 1, name: 'A', role: 'admin' } }),
    });
    expect(await setup.account(never)).toEqual({ name: 'A', admin: true });
    expect(calls[0]?.body).toMatchObject({ scope: 'read tickets:write webhooks:write triggers:write' });
  });

  it('looks with the scopes of the service where the client has no others', async () => {
    const { setup, calls } = zendeskSetup({
      'POST /oauth/tokens': [
        json({ error: 'invalid_scope' }, 400),
        json({ access_token: 'narrow', token_type: 'bearer', expires_in: 1800 }),
      ],
      'GET /api/v2/users/me': json({ user: { id: 1 } }),
    });
    await setup.account(never);
    expect(calls[1]?.body).toMatchObject({ scope: 'read tickets:write' });
    expect(calls[2]?.headers.get('authorization')).toBe('Bearer narrow');
  });

  it('takes an admin’s token in place of the service’s credentials', async () => {
    const { setup, calls } = zendeskSetup({ 'GET /api/v2/users/me': json({ user: { id: 1 } }) }, 'of-an-admin');
    await setup.account(never);
    expect(calls.map(({ path, headers }) => [path, headers.get('authorization')])).toEqual([
      ['/api/v2/users/me', 'Bearer of-an-admin'],
    ]);
  });

  it('does not take an anonymous answer for a login', async () => {
    const { setup } = zendeskSetup({ 'GET /api/v2/users/me': json({ user: { name: 'Anonymous user' } }) });
    expect((await failure(setup.account(never))).errorClass).toBe('auth');
  });

  it('finds its triggers on later pages, and needs none for a webhook that hears events', async () => {
    const page = (triggers: object[], after: string | null) =>
      json({ triggers, meta: { has_more: after !== null, after_cursor: after } });
    const byTrigger = zendeskSetup({
      'GET /api/v2/webhooks': json({ webhooks: [{ ...webhook, subscriptions: ['conditional_ticket_events'] }] }),
      'GET /api/v2/triggers': page([{ id: 1, title: 'Another' }], 'c=1'),
      'GET /api/v2/triggers?page[size]=100&page[after]=c%3D1': page(
        [
          {
            id: 2,
            title: 'Draftdesk: new ticket',
            active: true,
            conditions: { all: [{ field: 'update_type', operator: 'is', value: 'Create' }], any: [] },
            actions: [
              {
                field: 'notification_webhook',
                value: ['01A', '{"ticket_id": "{{ticket.id}}",\n"updated_at":"{{ticket.updated_at_with_timestamp}}"}'],
              },
            ],
          },
        ],
        null,
      ),
    });
    expect((await byTrigger.setup.inspect(URL_OF_OURS, never)).map(({ state }) => state)).toEqual([
      'good',
      'good',
      'missing',
    ]);

    const subscriptions = ['zen:event-type:ticket.created'];
    const byEvents = zendeskSetup({ 'GET /api/v2/webhooks': json({ webhooks: [{ ...webhook, subscriptions }] }) });
    expect(await byEvents.setup.inspect(URL_OF_OURS, never)).toEqual([
      expect.objectContaining({ state: 'differs', problems: ['is not subscribed to ticket.comment_added'] }),
    ]);
  });

  it('leaves the kind of a webhook that hears events, and makes no trigger beside it', async () => {
    const subscriptions = ['zen:event-type:ticket.created'];
    const { setup, calls } = zendeskSetup({
      'GET /api/v2/webhooks': json({ webhooks: [{ ...webhook, name: 'Mine', subscriptions }] }),
      'PATCH /api/v2/webhooks/01A': new Response(null, { status: 204 }),
    });
    const done: string[] = [];
    await setup.apply(URL_OF_OURS, (key) => done.push(key), never);
    expect(done).toEqual(['webhook']);
    expect(calls.at(-1)?.body).toMatchObject({
      webhook: { name: 'Mine', subscriptions: [...subscriptions, 'zen:event-type:ticket.comment_added'] },
    });
  });

  it.each([
    ['writes the test ticket in the name of its customer', 7, 1],
    ['starts again, with the customer as its author, where Zendesk made us the author', 5, 2],
  ])('%s', async (_name, submitter, tickets) => {
    const { setup, calls } = zendeskSetup({
      'POST /api/v2/tickets': [
        json({ ticket: { id: 11, requester_id: 7, submitter_id: submitter } }, 201),
        json({ ticket: { id: 12, requester_id: 7, submitter_id: 7 } }, 201),
      ],
      'DELETE /api/v2/tickets/11': new Response(null, { status: 204 }),
    });
    expect(await setup.createTestTicket(never)).toBe(tickets === 1 ? '11' : '12');
    const made = calls.filter(({ method, path }) => method === 'POST' && path === '/api/v2/tickets');
    expect(made.map(({ body }) => body)).toMatchObject(
      [
        { ticket: { requester: { email: 'draftdesk-test@example.com' }, tags: ['draftdesk_test'] } },
        { ticket: { requester_id: 7, submitter_id: 7, tags: ['draftdesk_test'] } },
      ].slice(0, tickets),
    );
    expect(calls.filter(({ method }) => method === 'DELETE')).toHaveLength(tickets - 1);
    expect(calls.filter(({ method }) => method === 'PUT')).toEqual([]);
  });

  it('solves the test ticket where it may not delete it', async () => {
    const { setup, calls } = zendeskSetup({
      'DELETE /api/v2/tickets/11': forbidden,
      'PUT /api/v2/tickets/11': json({ ticket: {} }),
    });
    expect(await setup.removeTestTicket('11', never)).toBe('solved');
    expect(calls.at(-1)?.body).toEqual({ ticket: { status: 'solved' } });
  });
});

describe('the set-up of Freshdesk', () => {
  const URL_THERE = 'https://draftdesk.acme.com/webhooks/freshdesk';
  const ours = {
    baseUrl: 'https://acme.freshdesk.com',
    apiKey: 'key',
    webhookTokens: ['t-new', 't-old'],
    requestsPerMinute: 100,
  };
  const rule = (change: object = {}) => ({
    id: 1,
    name: 'Draftdesk: new ticket',
    active: true,
    actions: [
      {
        field_name: 'trigger_webhook',
        url: URL_THERE,
        content: { ticket_id: '{{ticket.id}}', event: '{{triggered_event}}' },
        custom_headers: { 'X-Draftdesk-Token': 't-new' },
        ...change,
      },
    ],
  });
  const inspect = async (first: object) => {
    const { fetch } = stubFetch({
      'GET /api/v2/automations/1/rules': json([first]),
      'GET /api/v2/automations/4/rules': json({ rules: [], meta: {} }),
    });
    return await freshdesk.createSetup(ours, testDeps(fetch)).inspect(URL_THERE, never);
  };

  it.each([
    ['as it should be', {}, []],
    ['with the token masked', { custom_headers: { 'x-draftdesk-token': '****' } }, []],
    ['with the content as text', { content: '{"ticket_id": "{{ticket.id}}"}' }, []],
    [
      'with the old token',
      { custom_headers: { 'x-draftdesk-token': 't-old' } },
      ['sends another token than FRESHDESK_WEBHOOK_TOKEN'],
    ],
    ['for another address', { url: 'https://else.example' }, [`points to https://else.example, not to ${URL_THERE}`]],
    ['with simple content', { content: ['ticket_id'] }, ['sends another content']],
  ])('sees a rule %s', async (_name, change, problems) => {
    const [first, second] = await inspect(rule(change));
    expect([first?.problems, second?.state]).toEqual([problems, 'missing']);
  });

  it('sends all six keys of an action: without one Freshdesk fails', async () => {
    const { fetch, calls } = stubFetch({
      'GET /api/v2/automations': json([]),
      'POST /api/v2/automations/1/rules': json({}, 201),
      'POST /api/v2/automations/4/rules': json({}, 201),
    });
    const done: string[] = [];
    await freshdesk.createSetup(ours, testDeps(fetch), 'of-an-admin').apply(URL_THERE, (key) => done.push(key), never);
    expect(done).toEqual(['rule_new_ticket', 'rule_customer_reply']);
    const sent = calls.filter(({ method }) => method === 'POST').map(({ body }) => body as { actions: object[] });
    for (const { actions } of sent)
      expect(Object.keys(actions[0] ?? {}).toSorted()).toEqual(
        ['field_name', 'request_type', 'content_type', 'content_layout', 'url', 'content', 'custom_headers'].toSorted(),
      );
    expect(calls[0]?.headers.get('authorization')).toBe(`Basic ${Buffer.from('of-an-admin:X').toString('base64')}`);
  });
});
