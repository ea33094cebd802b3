import { describe, expect, it } from 'vitest';
import { RequestError } from '../../src/core/errors.ts';
import type { IgnoredEvent, TicketEvent, WebhookRequest } from '../../src/core/helpdesk.ts';
import { givenToken } from '../../src/helpdesks/freshdesk-settings.ts';
import { parseFreshdeskWebhook } from '../../src/helpdesks/freshdesk-webhook.ts';
import { parseZendeskWebhook, zendeskVerifier } from '../../src/helpdesks/zendesk-webhook.ts';
import { createHmac } from 'node:crypto';
import { fakeClock } from '../support/fake-clock.ts';
import { webhook } from './deps.ts';

type Parse = (request: WebhookRequest) => TicketEvent | IgnoredEvent;

function refusal(parse: Parse, body: string | Uint8Array): RequestError {
  try {
    parse(webhook(body));
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error('it was expected to be refused');
}

/** The envelope of an event subscription (helpdesks.md 1.2, shape of the vendor's samples). */
function envelope(
  change: Readonly<Record<string, unknown>> = {},
  detail: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    account_id: 22129848,
    detail: {
      id: '5158',
      is_public: true,
      status: 'OPEN',
      subject: 'x',
      updated_at: '2025-01-08T10:12:07Z',
      ...detail,
    },
    event: {},
    id: 'cbe4028c-7239-495d-b020-f22348516046',
    subject: 'zen:ticket:5158',
    time: '2025-01-08T10:12:07.672717030Z',
    type: 'zen:event-type:ticket.created',
    zendesk_event_version: '2022-11-06',
    ...change,
  });
}

const commented = (comment: Readonly<Record<string, unknown>>, detail = {}): string =>
  envelope(
    { type: 'zen:event-type:ticket.comment_added', event: { comment, meta: { sequence: { id: '1' } } } },
    detail,
  );

const byCustomer = { id: '9876543210', is_public: true, author: { id: '1', is_staff: false, name: 'Kim' } };

const BAD_BODIES: readonly [string, string][] = [
  ['an open brace', '{'],
  ['nothing', ''],
  ['null', 'null'],
  ['a list', '[]'],
  ['a string', '"x"'],
  ['a million spaces', ' '.repeat(1_000_000)],
  ['NaN', '{"ticket_id":NaN}'],
  ['a trailing comma', '{"ticket_id":"1",}'],
  ['half a million brackets', '['.repeat(500_000)],
  ['deep nesting where an id is due', `{"ticket_id":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  ['no id', '{"hello":"world"}'],
];
const BAD_IDS: readonly unknown[] = [
  '0',
  '-1',
  -1,
  0,
  1.5,
  '1e3',
  '../5',
  '5;drop',
  '5\n',
  ' 5',
  '05',
  '',
  null,
  true,
  {},
  '9'.repeat(200),
  '9007199254740992',
  2 ** 53,
];

describe.each([
  ['zendesk', parseZendeskWebhook],
  ['freshdesk', parseFreshdeskWebhook],
] as const)('any webhook of %s', (_name, parse) => {
  it.each(BAD_BODIES)('refuses %s with a sentence for the admin (C1, C2)', (_case, body) => {
    const error = refusal(parse, body);
    expect(error.code).toBe('malformed');
    expect(error.message).toContain('"ticket_id":"{{ticket.id}}"');
  });

  it.each(BAD_IDS)('refuses the id %j (C5)', (id) => {
    expect(refusal(parse, JSON.stringify({ ticket_id: id })).code).toBe('malformed');
  });

  it('refuses the number that JSON.parse changes (C5)', () => {
    expect(refusal(parse, '{"ticket_id":9007199254740993}').code).toBe('malformed');
  });

  it('takes ids as strings and numbers, up to 2^53-1 (row 7)', () => {
    for (const id of [1, '1', 9007199254740991, '9007199254740991'])
      expect(parse(webhook(JSON.stringify({ ticket_id: id })))).toMatchObject({ kind: 'event', ticketId: String(id) });
  });

  it('reads past a byte order mark and broken UTF-8, and ignores keys it does not know (B10, C4)', () => {
    const text = new TextEncoder().encode('\ufeff{"__proto__":{"ticket_id":"9"},"ticket_id":"7","x":"?"}');
    text[text.indexOf(0x3f)] = 0xff;
    expect(parse(webhook(text))).toMatchObject({ kind: 'event', ticketId: '7' });
    expect(parse(webhook('{"ticket_id":"1","ticket_id":"2"}'))).toMatchObject({ ticketId: '2' });
  });

  it.each([
    '{"ticket_id":"42","title":"say "hi" to me"}',
    '{"ticket_id":42,"comment":"line one\nline two"}',
    ' { "ticket_id" : "42" , "path":"C:\\temp\\x"}',
    '{"ticket_id":"42","a":"b"',
  ])('row 19: salvages the id from %j', (body) => {
    expect(parse(webhook(body))).toEqual({ kind: 'event', ticketId: '42', key: null, messageId: null, priority: null });
  });

  it.each([
    '{"title":"x "y"","ticket_id":"42"}',
    '{"ticket_id":"42abc","a":"b" "c"}',
    '{"ticket_id":"9007199254740993","a":"b" "c"}',
    '{"ticket_id":"0","a":"b" "c"}',
  ])('row 19: salvages nothing from %j', (body) => {
    expect(refusal(parse, body).code).toBe('malformed');
  });
});

describe('zendesk events', () => {
  it('row 5: a created event has the event id as its key', () => {
    expect(parseZendeskWebhook(webhook(envelope()))).toEqual({
      kind: 'event',
      ticketId: '5158',
      key: 'event:cbe4028c-7239-495d-b020-f22348516046',
      messageId: null,
      priority: null,
    });
  });

  it.each([
    ['URGENT', 'urgent'],
    ['HIGH', 'high'],
    ['NORMAL', 'normal'],
    ['LOW', 'low'],
    [null, null],
    ['SEVERE', null],
    [4, null],
  ])('hands on the priority %j', (priority, expected) => {
    expect(parseZendeskWebhook(webhook(envelope({}, { priority })))).toMatchObject({ priority: expected });
    expect(parseZendeskWebhook(webhook(commented(byCustomer, { priority })))).toMatchObject({
      priority: expected,
    });
  });

  it('row 5: a customer comment names its message, so that a draft which saw it makes it a duplicate', () => {
    expect(parseZendeskWebhook(webhook(commented(byCustomer)))).toMatchObject({
      kind: 'event',
      ticketId: '5158',
      messageId: '9876543210',
    });
  });

  it('row 5: a trigger body has a key of its stamp: same body same key, later stamp another', () => {
    const parse = (stamp: string) =>
      parseZendeskWebhook(webhook(JSON.stringify({ ticket_id: '35436', updated_at: stamp })));
    const first = parse('2026-11-23T10:00:00Z');
    expect(first).toMatchObject({ kind: 'event', ticketId: '35436', messageId: null });
    expect(parse('2026-11-23T10:00:00Z')).toEqual(first);
    expect(parse('2026-11-23T10:00:01Z')).not.toEqual(first);
    expect(parseZendeskWebhook(webhook('{"ticket_id":"1","updated_at":""}'))).toMatchObject({ key: null });
    expect(parseZendeskWebhook(webhook('{"ticket_id":"1","type":"question"}'))).toMatchObject({ ticketId: '1' });
  });

  it.each([
    ['private', envelope({}, { is_public: false })],
    ['private', commented({ ...byCustomer, is_public: false })],
    ['private', commented({ id: '1', is_public: false, author: { is_staff: true } })],
    ['staff', commented({ ...byCustomer, author: { id: '1', is_staff: true, name: 'Support' } })],
    ['closed', commented(byCustomer, { status: 'CLOSED' })],
    ['deleted', envelope({}, { status: 'DELETED' })],
    ['event_type', envelope({ type: 'zen:event-type:ticket.status_changed' })],
    ['event_type', envelope({ type: 'zen:event-type:messaging_ticket.message_added', detail: { id: '141' } })],
  ])('ignores with reason %s (C10)', (reason, body) => {
    expect(parseZendeskWebhook(webhook(body))).toEqual({ kind: 'ignored', reason });
  });

  it('row 7: unknown statuses, null fields and lower case do not fail', () => {
    expect(parseZendeskWebhook(webhook(envelope({}, { status: 'WAITING', priority: null })))).toMatchObject({
      kind: 'event',
    });
    expect(parseZendeskWebhook(webhook(envelope({}, { status: 'closed' })))).toMatchObject({ reason: 'closed' });
    expect(parseZendeskWebhook(webhook(commented({ id: '5', is_public: true })))).toMatchObject({ kind: 'event' });
  });

  it('refuses an event without ticket or comment', () => {
    expect(refusal(parseZendeskWebhook, envelope({ detail: {} })).message).toContain('detail.id');
    expect(refusal(parseZendeskWebhook, envelope({ type: 'zen:event-type:ticket.comment_added' })).message).toContain(
      'event.comment',
    );
  });
});

describe('zendesk signatures', () => {
  const secret = 'zendesk-webhook-secret-1';
  const now = Date.UTC(2026, 10, 23, 10, 0, 0);
  const setup = () => {
    const alarms: string[] = [];
    const clock = fakeClock(now);
    const verify = zendeskVerifier([secret, 'zendesk-webhook-secret-2'], {
      clock,
      webhookToleranceSeconds: 300,
      alarm: (kind) => alarms.push(kind),
    });
    const signed = (stamp: string, key = secret, body = '{"ticket_id":"1"}') => {
      const signature = createHmac('sha256', key).update(stamp).update(body).digest('base64');
      return webhook(
        body,
        { 'x-zendesk-webhook-signature': signature, 'x-zendesk-webhook-signature-timestamp': stamp },
        now,
      );
    };
    return { alarms, clock, verify, signed };
  };
  const at = (offsetSeconds: number): string =>
    new Date(now + offsetSeconds * 1000).toISOString().replace('.000Z', 'Z');

  it('row 6: takes timestamp + body, either secret, inside the window', () => {
    const { verify, signed } = setup();
    for (const offset of [0, -300, 300, -299]) expect(verify(signed(at(offset))), `${offset}`).toBe(true);
    expect(verify(signed(at(0), 'zendesk-webhook-secret-2'))).toBe(true);
    expect(verify(signed(at(0), 'zendesk-webhook-secret-3'))).toBe(false);
  });

  it('row 6: refuses the superseded order of body and timestamp', () => {
    const { verify, signed } = setup();
    const request = signed(at(0));
    const reversed = createHmac('sha256', secret).update('{"ticket_id":"1"}').update(at(0)).digest('base64');
    request.headers.set('x-zendesk-webhook-signature', reversed);
    expect(verify(request)).toBe(false);
  });

  it.each(['0', '-1', '1e12', '1795428000', '2026-11-23', '2026-11-23T10:00:00Z junk'])(
    'refuses the signed timestamp %j (B5)',
    (stamp) => {
      const { verify, signed } = setup();
      expect(verify(signed(stamp))).toBe(false);
    },
  );

  it('refuses a replay outside the window and tells of a clock that is off once a minute', async () => {
    const { verify, signed, alarms, clock } = setup();
    expect(verify(signed(at(-301)))).toBe(false);
    expect(verify(signed(at(301)))).toBe(false);
    expect(alarms).toEqual(['clock_skew']);
    expect(verify(signed(at(-301), 'zendesk-webhook-secret-3'))).toBe(false);
    await clock.advance(61_000);
    expect(verify(signed(at(-301)))).toBe(false);
    expect(alarms).toEqual(['clock_skew', 'clock_skew']);
  });

  it('refuses missing headers and a changed body', () => {
    const { verify, signed } = setup();
    for (const header of ['x-zendesk-webhook-signature', 'x-zendesk-webhook-signature-timestamp']) {
      const request = signed(at(0));
      request.headers.delete(header);
      expect(verify(request)).toBe(false);
    }
    expect(verify({ ...signed(at(0)), body: new TextEncoder().encode('{"ticket_id": "1"}') })).toBe(false);
  });
});

describe('freshdesk events', () => {
  const parse = (payload: unknown) => parseFreshdeskWebhook(webhook(JSON.stringify(payload)));

  it('row 5: created has a key, the same for each delivery and each shape of the body', () => {
    const flat = parse({ ticket_id: '11', event: '{ticket_action:created}' });
    expect(flat).toMatchObject({ kind: 'event', ticketId: '11', messageId: null });
    expect(flat.kind === 'event' && flat.key).toMatch(/^created:[0-9a-f]{64}$/);
    expect(
      parse({ freshdesk_webhook: { ticket_id: 11, triggered_event: '{ticket_action:created}', x: null } }),
    ).toEqual(flat);
    expect(parse({ ticket_id: '12', event: '{ticket_action:created}' })).not.toEqual(flat);
  });

  it.each([
    ['{note_type:private}', 'private'],
    ['{status:{from:4,to:6}}', 'field_change'],
    ['{priority:{from:1,to:3}}', 'field_change'],
    ['{ticket_action:deleted}', 'ticket_action'],
  ])('ignores %s with reason %s', (event, reason) => {
    expect(parse({ ticket_id: '11', event })).toEqual({ kind: 'ignored', reason });
  });

  it.each([
    '{reply_sent:sent}',
    '{note_type:public}',
    '{status:{from:3,to:2}}',
    'Customer replied',
    '',
    undefined,
    7,
    {},
  ])('row 5: %j is compared with the conversation (no key)', (event) => {
    expect(parse({ ticket_id: '11', event })).toEqual({
      kind: 'event',
      ticketId: '11',
      key: null,
      messageId: null,
      priority: null,
    });
  });

  it('salvages a wrapped body', () => {
    const body = '{"freshdesk_webhook":{"ticket_id":11,"ticket_subject":"a "quoted" word"}}';
    expect(parseFreshdeskWebhook(webhook(body))).toMatchObject({ ticketId: '11', key: null });
  });

  it.each([
    [{ 'x-draftdesk-token': 'the-token' }, 'the-token'],
    [{ authorization: `Basic ${btoa('draftdesk:the-token')}` }, 'the-token'],
    [{ authorization: `Basic ${btoa('draftdesk:a:b')}` }, 'a:b'],
    [{ 'x-draftdesk-token': 'wrong', authorization: `Basic ${btoa('u:the-token')}` }, 'wrong'],
    [{ authorization: `Basic ${btoa('the-token')}` }, null],
    [{ authorization: 'Basic %%%' }, null],
    [{ authorization: 'Bearer the-token' }, null],
    [{}, null],
  ])('finds the token in %j', (headers, expected) => {
    expect(givenToken(new Headers(Object.entries(headers)))).toBe(expected);
  });
});
