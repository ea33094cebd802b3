import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../src/core/errors.ts';
import { parseFreshdeskWebhook } from '../../src/helpdesks/freshdesk-webhook.ts';
import { hmacMatches, secretMatches } from '../../src/helpdesks/signature.ts';
import { parseZendeskWebhook, zendeskVerifier } from '../../src/helpdesks/zendesk-webhook.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { webhook } from './deps.ts';

const PARSERS = { zendesk: parseZendeskWebhook, freshdesk: parseFreshdeskWebhook };

/** Names that the parsers look for, so that what is made up comes near to what they read. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, 0, -1, 1.5, 42, 2 ** 53, '42', '0', '007', '9007199254740993', '', 'OPEN', 'closed'),
    fc.constantFrom('zen:event-type:ticket.created', 'zen:event-type:ticket.comment_added', '{ticket_action:created}'),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(
    fc.constantFrom(
      'id',
      'type',
      'detail',
      'event',
      'comment',
      'author',
      'is_staff',
      'is_public',
      'status',
      'priority',
      'ticket_id',
      'updated_at',
      'freshdesk_webhook',
      'triggered_event',
      '__proto__',
      'constructor',
    ),
    tie('value'),
    { maxKeys: 6 },
  ),
}));

/** Bytes, JSON that is nearly right, and such JSON cut off or broken. */
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  json.object.map((value) => Buffer.from(JSON.stringify(value))),
  fc.tuple(json.object, fc.nat(60)).map(([value, at]) => Buffer.from(JSON.stringify(value).slice(0, at))),
  fc.string().map((text) => Buffer.from(`{"ticket_id":"42","${text}`)),
);

describe.each(Object.entries(PARSERS))('any body of a %s webhook', (_, parse) => {
  it('is an event with a good id, ignored for a reason, or malformed', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        try {
          const event = parse(webhook(body));
          if (event.kind === 'ignored') return expect(event.reason).toMatch(/^[a-z_]+$/);
          expect(event.ticketId).toMatch(/^[1-9]\d*$/);
          expect(Number.isSafeInteger(Number(event.ticketId))).toBe(true);
          expect(event.key?.length ?? 0).toBeLessThanOrEqual(210);
          // the same bytes are the same event
          expect(parse(webhook(body))).toEqual(event);
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
          expect(error.code).toBe('malformed');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

const secrets = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 });

describe('signatures', () => {
  const SCHEME = { algorithm: 'sha256', encoding: 'base64' } as const;
  const sign = (secret: string, ...parts: (string | Uint8Array)[]): string => {
    const hmac = createHmac('sha256', secret);
    for (const part of parts) hmac.update(part);
    return hmac.digest('base64');
  };

  it('match under any of the secrets, and only as they are written', () => {
    fc.assert(
      fc.property(fc.array(secrets, { minLength: 1, maxLength: 3 }), fc.uint8Array(), fc.nat(), (keys, body, pick) => {
        const given = sign(keys[pick % keys.length] ?? '', body);
        expect(hmacMatches(SCHEME, keys, [body], given)).toBe(true);
        const at = pick % given.length;
        const other = given.slice(0, at) + (given[at] === 'A' ? 'B' : 'A') + given.slice(at + 1);
        for (const forged of [other, given.slice(0, -1), `${given}=`, ` ${given}`, given.toLowerCase() + '!', '', null])
          expect(hmacMatches(SCHEME, keys, [body], forged)).toBe(false);
      }),
    );
  });

  it('never match under an empty secret', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (body) => {
        const forged = createHmac('sha256', '').update(body).digest('base64');
        expect(hmacMatches(SCHEME, ['', 'another'], [body], forged)).toBe(false);
        expect(secretMatches([''], '')).toBe(false);
      }),
    );
  });

  it('of Zendesk cover each bit of stamp and body, and a window of time', () => {
    const clock = fakeClock();
    const flips = fc.record({
      secret: secrets,
      body: fc.uint8Array({ minLength: 1, maxLength: 100 }),
      bit: fc.nat(),
      lateMs: fc.integer({ min: -900_000, max: 900_000 }),
    });
    fc.assert(
      fc.property(flips, ({ secret, body, bit, lateMs }) => {
        const alarm = (): void => undefined;
        const verify = zendeskVerifier([secret], { clock, webhookToleranceSeconds: 300, alarm });
        const stamp = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
        const headers = (signedStamp: string, signature: string) => ({
          'x-zendesk-webhook-signature-timestamp': signedStamp,
          'x-zendesk-webhook-signature': signature,
        });
        const signature = sign(secret, stamp, body);
        const at = Date.parse(stamp);
        const inTime = Math.abs(lateMs) <= 300_000;
        expect(verify(webhook(body, headers(stamp, signature), at + lateMs))).toBe(inTime);
        const flipped = Uint8Array.from(body);
        const index = bit % body.length;
        flipped[index] = (flipped[index] ?? 0) ^ (1 << (bit % 8));
        expect(verify(webhook(flipped, headers(stamp, signature), at))).toBe(false);
        const later = `${new Date(at + 1000).toISOString().slice(0, 19)}Z`;
        expect(verify(webhook(body, headers(later, signature), at))).toBe(false);
      }),
    );
  });
});
