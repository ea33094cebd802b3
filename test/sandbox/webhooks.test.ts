import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import type { AttemptOutcome } from '../../src/sandbox/webhook-sender.ts';
import { createZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { ZENDESK_SENDER } from '../../src/sandbox/zendesk-webhooks.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { client } from './client.ts';

/** A receiver that answers what it is told, 202 when nothing is left, and keeps what came. */
function receiver(...answers: (number | [number, string] | 'hang' | 'refuse')[]) {
  const calls: { headers: Headers; body: string }[] = [];
  const take: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    calls.push({ headers: request.headers, body: await request.clone().text() });
    const answer = answers.shift() ?? 202;
    if (answer === 'refuse') throw new TypeError('fetch failed');
    if (answer === 'hang') {
      return await new Promise((_resolve, reject) => {
        request.signal.addEventListener('abort', () => reject(request.signal.reason));
      });
    }
    const [status, retryAfter] = typeof answer === 'number' ? [answer, null] : answer;
    return new Response(null, { status, headers: retryAfter === null ? {} : { 'retry-after': retryAfter } });
  };
  return { calls, target: { url: 'http://draftdesk.test/webhooks', fetch: take } };
}

describe('Zendesk', () => {
  const setUp = (options: { webhooks?: 'events' | 'trigger' } = {}) => {
    const clock = fakeClock();
    const zendesk = createZendeskSimulator({ clock, random: seededRandom(1), ...options });
    return { clock, zendesk };
  };

  it('signs the stamp and the body, in that order, with the secret as it stands', () => {
    const { zendesk, clock } = setUp();
    const id = zendesk.addTicket({ subject: 'wörld', html: 'h' });
    const { headers, body } = zendesk.webhookFor(id, 'ticket.created');
    const stamp = '2026-11-23T10:00:00Z';
    const signature = createHmac('sha256', zendesk.webhookSecret)
      .update(stamp + body)
      .digest('base64');
    expect(headers).toMatchObject({
      'x-zendesk-webhook-signature-timestamp': stamp,
      'x-zendesk-webhook-signature': signature,
      'x-zendesk-account-id': String(zendesk.accountId),
    });
    expect(clock.now()).toBe(Date.parse(stamp));
  });

  it('reproduces the vector of helpdesks.md 1.3', () => {
    const clock = fakeClock(Date.parse('2026-01-02T03:04:05Z'));
    const webhookSecret = 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==';
    const zendesk = createZendeskSimulator({ clock, random: seededRandom(1), webhookSecret });
    const { headers, body } = zendesk.webhookFor(zendesk.addTicket({ subject: 's', html: 'h' }), 'trigger');
    const sign = (text: string) =>
      createHmac('sha256', webhookSecret).update(`2026-01-02T03:04:05Z${text}`).digest('base64');
    expect(sign('{"hello":"wörld"}')).toBe('Nzyj2eZA6OFgeoG0v8ibdIihPkRdUc6RdKuDE5+lOYg=');
    expect(headers['x-zendesk-webhook-signature']).toBe(sign(body));
  });

  it('speaks strings and upper case in events, and gives the same event the same body', async () => {
    const { zendesk, clock } = setUp();
    const id = zendesk.addTicket({ subject: 's', html: '<p>hello</p>' });
    const created = zendesk.webhookFor(id, 'ticket.created');
    await clock.advance(90_000);
    expect(zendesk.webhookFor(id, 'ticket.created').body).toBe(created.body);
    const event = JSON.parse(created.body);
    expect(event).toMatchObject({
      account_id: 22129848,
      detail: { id, status: 'NEW', is_public: true, actor_id: event.detail.requester_id },
      subject: `zen:ticket:${id}`,
      type: 'zen:event-type:ticket.created',
      zendesk_event_version: '2022-11-06',
    });
    const commentId = zendesk.customerReply(id, '<p>more</p>');
    const added = JSON.parse(zendesk.webhookFor(id, 'ticket.comment_added', commentId).body);
    expect(added.event.comment).toMatchObject({
      id: commentId,
      body: 'more',
      is_public: true,
      author: { is_staff: false },
    });
    expect(added.id).not.toBe(event.id);
  });

  it('sends a new ticket twice, as created and comment_added of one action, and our own note too', async () => {
    const { zendesk } = setUp();
    const { calls, target } = receiver();
    zendesk.connect(target);
    const id = zendesk.addTicket({ subject: 's', html: 'h' });
    const call = client(zendesk.fetch, { authorization: `Bearer ${zendesk.credentials.oauthToken}` });
    await call('PUT', `/api/v2/tickets/${id}`, { ticket: { comment: { html_body: 'note', public: false } } });
    await zendesk.idle();
    const events = calls.map((one) => JSON.parse(one.body));
    expect(events.map((event) => event.type.slice('zen:event-type:'.length))).toEqual([
      'ticket.created',
      'ticket.comment_added',
      'ticket.comment_added',
    ]);
    expect(zendesk.creationWebhooks(id).map((one) => one.body)).toEqual([calls[0]?.body, calls[1]?.body]);
    expect(events[0].event.meta.sequence.id).toBe(events[1].event.meta.sequence.id);
    expect(events[2].event.comment).toMatchObject({ is_public: false, author: { is_staff: true } });
    expect(zendesk.deliveries.every((delivery) => delivery.state === 'delivered')).toBe(true);
  });

  it('sends the pasted body for what end users do when it is a trigger', async () => {
    const { zendesk } = setUp({ webhooks: 'trigger' });
    const { calls, target } = receiver();
    zendesk.connect(target);
    const id = zendesk.addTicket({ subject: '"quoted"', html: 'h' });
    zendesk.agentReply(id, 'answer', { public: true });
    zendesk.customerReply(id, 'thanks');
    await zendesk.idle();
    expect(calls.map((one) => one.body)).toEqual(
      Array(2).fill(`{"ticket_id":"${id}","updated_at":"2026-11-23T10:00:00Z"}`),
    );
  });

  it.each<[string, Parameters<typeof receiver>, number, string]>([
    ['a 500', [500], 1, 'dropped'],
    ['a 502', [502], 1, 'dropped'],
    ['a 503 without Retry-After', [503], 1, 'dropped'],
    ['a 503 with a minute', [[503, '60']], 1, 'dropped'],
    ['a 503 with 59 seconds', [[503, '59']], 2, 'delivered'],
    ['a 429 with one second', [[429, '1']], 2, 'delivered'],
    ['three 409', [409, 409, 409], 4, 'delivered'],
    ['four 409', [409, 409, 409, 409], 4, 'dropped'],
    ['five time-outs', ['hang', 'hang', 'hang', 'hang', 'hang'], 6, 'delivered'],
    ['six time-outs', ['hang', 'hang', 'hang', 'hang', 'hang', 'hang'], 6, 'dropped'],
    ['a refused connection', ['refuse'], 1, 'dropped'],
  ])('after %s', async (_name, answers, attempts, state) => {
    const { zendesk, clock } = setUp({ webhooks: 'trigger' });
    const { calls, target } = receiver(...answers);
    zendesk.connect(target);
    zendesk.addTicket({ subject: 's', html: 'h' });
    await clock.advance(300_000);
    await zendesk.idle();
    expect([calls.length, zendesk.deliveries[0]?.state]).toEqual([attempts, state]);
    expect(new Set(calls.map((one) => one.headers.get('x-zendesk-webhook-invocation-id'))).size).toBe(1);
    expect(clock.pending()).toBe(0);
  });

  it('signs each attempt anew', async () => {
    const { zendesk, clock } = setUp({ webhooks: 'trigger' });
    const { calls, target } = receiver([503, '30']);
    zendesk.connect(target);
    zendesk.addTicket({ subject: 's', html: 'h' });
    await clock.advance(30_000);
    const stamps = calls.map((one) => one.headers.get('x-zendesk-webhook-signature-timestamp'));
    expect(stamps).toEqual(['2026-11-23T10:00:00Z', '2026-11-23T10:00:30Z']);
    expect(calls[0]?.body).toBe(calls[1]?.body);
  });

  it('never waits a negative or unreadable time', () => {
    const outcome = (retryAfter: string): AttemptOutcome => ({ kind: 'answer', status: 503, retryAfter });
    for (const value of ['-1', 'soon', 'Mon, 23 Nov 2026 10:00:00 GMT']) {
      expect(ZENDESK_SENDER.retryAfterMs([outcome(value)])).toBeNull();
    }
  });
});

describe('Freshdesk', () => {
  const setUp = (options: object = {}) => {
    const clock = fakeClock();
    const freshdesk = createFreshdeskSimulator({ clock, random: seededRandom(1), ...options });
    return { clock, freshdesk };
  };

  it('fills in the pasted body and carries the token; Simple content has numbers and labels', () => {
    const { freshdesk } = setUp();
    const id = freshdesk.addTicket({ subject: '"quoted"', html: '<p>h</p>' });
    const { headers, body } = freshdesk.webhookFor(id, 'created');
    expect(headers['x-draftdesk-token']).toBe(freshdesk.webhookToken);
    expect(body).toBe(`{"ticket_id":"${id}","event":"{ticket_action:created}"}`);
    expect(freshdesk.creationWebhooks(id)).toEqual([{ headers, body }]);
    const simple = JSON.parse(freshdesk.webhookFor(id, 'created', 'simple').body);
    expect(simple.freshdesk_webhook).toMatchObject({
      ticket_id: Number(id),
      ticket_status: 'Open',
      ticket_subject: '"quoted"',
    });
  });

  it('fires for the requester only, unless the rule says anyone', async () => {
    const eventsWith = async (options: object) => {
      const { freshdesk } = setUp(options);
      const { calls, target } = receiver();
      freshdesk.connect(target);
      const id = freshdesk.addTicket({ subject: 's', html: 'h' });
      freshdesk.agentReply(id, 'answer', { public: true });
      const authorization = `Basic ${Buffer.from(`${freshdesk.apiKey}:X`).toString('base64')}`;
      await client(freshdesk.fetch, { authorization })('POST', `/api/v2/tickets/${id}/notes`, { body: 'note' });
      freshdesk.customerReply(id, 'thanks');
      await freshdesk.idle();
      return calls.map((one) => JSON.parse(one.body).event);
    };
    expect(await eventsWith({})).toEqual(['{ticket_action:created}', '{reply_sent:sent}']);
    expect(await eventsWith({ webhookPerformer: 'anyone' })).toEqual([
      '{ticket_action:created}',
      '{reply_sent:sent}',
      '{note_type:private}',
      '{reply_sent:sent}',
    ]);
  });

  it('tries again after 5, 30 and 60 minutes, then drops the event', async () => {
    const { freshdesk, clock } = setUp();
    const { calls, target } = receiver(500, 'refuse', 503, 503);
    freshdesk.connect(target);
    freshdesk.addTicket({ subject: 's', html: 'h' });
    await clock.advance(3 * 3_600_000);
    const [delivery] = freshdesk.deliveries;
    const start = delivery?.attempts[0]?.at ?? 0;
    expect(delivery?.attempts.map((one) => (one.at - start) / 60_000)).toEqual([0, 5, 35, 95]);
    expect(delivery?.state).toBe('dropped');
    expect(new Set(calls.map((one) => one.body)).size).toBe(1);
  });

  it('gives up what waits when disconnected', async () => {
    const { freshdesk, clock } = setUp();
    const { calls, target } = receiver(500);
    freshdesk.connect(target);
    freshdesk.addTicket({ subject: 's', html: 'h' });
    await clock.advance(1000);
    freshdesk.disconnect();
    await freshdesk.idle();
    freshdesk.addTicket({ subject: 't', html: 'h' });
    expect([calls.length, freshdesk.deliveries.length, freshdesk.deliveries[0]?.state]).toEqual([1, 1, 'dropped']);
    expect(clock.pending()).toBe(0);
  });
});
