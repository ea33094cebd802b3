import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { testDeps } from '../helpdesks/deps.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { exchange, requestBytes, statuses } from '../support/raw-http.ts';
import {
  FRESHDESK_TOKENS,
  genuineWebhook,
  type Mutation,
  mutations,
  type SentWebhook,
  ZENDESK_SECRETS,
} from '../support/webhook-mutations.ts';
import { serveApp } from './serve-app.ts';
import { json, type TestApp, testApp } from './test-app.ts';

/* Promise 6, and groups A and B of the attack list with the real adapters: only genuine events enter. */

const SEED = 20261124;

/** Both helpdesks as they are, with these of our two secrets. */
function realApp(secrets: readonly number[], clock: FakeClock = fakeClock()): TestApp {
  const deps = testDeps(() => Promise.reject(new Error('nobody is called')), clock);
  const those = (all: readonly string[]): string => secrets.map((index) => all[index]).join(',');
  return testApp({
    clock,
    zendesk: zendesk.create(
      zendesk.settings.parse({
        ZENDESK_BASE_URL: 'https://acme.zendesk.com',
        ZENDESK_OAUTH_TOKEN: 'token',
        ZENDESK_WEBHOOK_SECRET: those(ZENDESK_SECRETS),
      }) as Parameters<typeof zendesk.create>[0],
      deps,
    ),
    freshdesk: freshdesk.create(
      freshdesk.settings.parse({
        FRESHDESK_BASE_URL: 'https://acme.freshdesk.com',
        FRESHDESK_API_KEY: 'key',
        FRESHDESK_WEBHOOK_TOKEN: those(FRESHDESK_TOKENS),
      }) as Parameters<typeof freshdesk.create>[0],
      deps,
    ),
  });
}

const pathOf = ({ helpdesk }: SentWebhook): string => `/webhooks/${helpdesk}`;

async function send({ app }: TestApp, sent: SentWebhook, path = pathOf(sent)): Promise<Response> {
  const headers = new Headers();
  for (const [name, value] of sent.headers) headers.append(name, value);
  return app.request(path, { method: 'POST', headers, body: new Uint8Array(sent.body) });
}

async function countStatuses(answers: AsyncIterable<number>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for await (const status of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

async function* sendAll(parts: TestApp, all: Iterable<SentWebhook>): AsyncGenerator<number> {
  for (const sent of all) yield (await send(parts, sent)).status;
}

function genuine(parts: TestApp, count: number, secret: number, seed = SEED): SentWebhook[] {
  const source = { random: seededRandom(seed), now: parts.clock.now() };
  return Array.from({ length: count }, () => genuineWebhook(source, secret));
}

describe('promise 6', () => {
  it(`refuses 100,000 forgeries of genuine webhooks (seed ${SEED})`, async () => {
    const parts = realApp([0]);
    const source = { random: seededRandom(SEED), now: parts.clock.now() };
    const wrong: [string, number][] = [];
    for (const mutation of mutations(source, 100_000)) {
      const { status } = await send(parts, mutation);
      if (status !== 401) wrong.push([mutation.what, status]);
    }
    expect(wrong).toEqual([]);
    expect(parts.outbox.ingested).toEqual([]);
  }, 60_000);

  it('rotation: with both secrets none of 1,000 genuine ones is refused, of either', async () => {
    const parts = realApp([0, 1]);
    for (const secret of [0, 1]) {
      const sent = genuine(parts, 1000, secret, SEED + secret);
      expect(await countStatuses(sendAll(parts, sent))).toEqual({ 202: 1000 });
    }
  });

  it('rotation: without the old secret none of its 1,000 is accepted', async () => {
    const parts = realApp([0]);
    expect(await countStatuses(sendAll(parts, genuine(parts, 1000, 1)))).toEqual({ 401: 1000 });
    expect(await countStatuses(sendAll(parts, genuine(parts, 1000, 0)))).toEqual({ 202: 1000 });
  });
});

describe('over a socket', () => {
  let parts: TestApp;
  let port: number;
  let close: () => Promise<void>;

  beforeAll(async () => {
    parts = realApp([0, 1]);
    ({ port, close } = await serveApp(parts));
  });
  afterAll(() => close());
  beforeEach(() => void parts.outbox.ingested.splice(0));

  const raw = (sent: SentWebhook, path = pathOf(sent)): Promise<string> =>
    exchange(port, requestBytes(path, sent.headers, sent.body));

  const STAMP = '2026-11-23T10:00:00Z';
  const BODY = '{"ticket_id":"7","updated_at":"2026-11-23T10:00:00Z"}';
  const sign = (stamp: string, body: string | Buffer, key: string = ZENDESK_SECRETS[0]): string =>
    createHmac('sha256', key).update(stamp).update(body).digest('base64');

  /** A webhook of Zendesk; what is not told is genuine. */
  const from = (change: { stamp?: string; signature?: string; body?: string | Buffer }): SentWebhook => {
    const { stamp = STAMP, body = BODY, signature = sign(stamp, body) } = change;
    return {
      helpdesk: 'zendesk',
      body: Buffer.from(body),
      headers: [
        ['Content-Type', 'application/json'],
        ['X-Zendesk-Webhook-Signature', signature],
        ['X-Zendesk-Webhook-Signature-Timestamp', stamp],
      ],
    };
  };
  const token = (...headers: [string, string][]): SentWebhook => ({
    helpdesk: 'freshdesk',
    body: Buffer.from('{"ticket_id":"7"}'),
    headers: [['Content-Type', 'application/json'], ...headers],
  });
  const good = sign(STAMP, BODY);
  const [freshToken] = FRESHDESK_TOKENS;
  const password: [string, string] = ['Authorization', `Basic ${btoa(`x:${freshToken}`)}`];
  const aged = (seconds: number): string =>
    new Date(Date.parse(STAMP) + seconds * 1000).toISOString().replace('.000Z', 'Z');

  it('a genuine one is 202: names of headers in any case, spaces around values, either edge of the window', async () => {
    const { headers, ...rest } = from({ body: BODY.replace('"7"', '"8"') });
    const spelled = headers.map(([name, value]) => [name.toUpperCase(), `  ${value} `] as const);
    expect(statuses(await raw({ ...rest, headers: spelled }))).toEqual([202]);
    for (const seconds of [-300, 300]) {
      const body = BODY.replace('"7"', `"9${seconds + 300}"`);
      expect(statuses(await raw(from({ stamp: aged(seconds), body })))).toEqual([202]);
    }
    for (const header of [['x-draftdesk-TOKEN', freshToken], password] satisfies [string, string][]) {
      expect(statuses(await raw(token(header)))).toEqual([202]);
    }
  });

  it.each<[string, () => SentWebhook]>([
    ['B1 no signature', () => token()],
    ['B1 empty signature', () => from({ signature: '' })],
    ['B1 empty timestamp', () => from({ stamp: '' })],
    ['B2 shorter', () => from({ signature: good.slice(0, -5) })],
    ['B2 longer', () => from({ signature: `${good}AAAA` })],
    ['B2 not base64', () => from({ signature: '\u00fc\u00ff***' })],
    ['B2 prefix', () => from({ signature: `sha256=${good}` })],
    ['B2 hex', () => from({ signature: Buffer.from(good, 'base64').toString('hex') })],
    ['B3 junk behind', () => from({ signature: `${good}!!!!` })],
    ['B3 no padding', () => from({ signature: good.replace(/=+$/, '') })],
    ['B4 empty key', () => from({ signature: sign(STAMP, BODY, '') })],
    ['B5 301 s old', () => from({ stamp: aged(-301) })],
    ['B5 301 s ahead', () => from({ stamp: aged(301) })],
    ['B5 zero', () => from({ stamp: '0' })],
    ['B5 minus one', () => from({ stamp: '-1' })],
    ['B5 1e12', () => from({ stamp: '1e12' })],
    ['B5 unix seconds', () => from({ stamp: String(Date.parse(STAMP) / 1000) })],
    ['B5 a date', () => from({ stamp: '2026-11-23' })],
    ['B5 junk behind', () => from({ stamp: `${STAMP} junk` })],
    ['B5 two joined', () => from({ stamp: `${STAMP}, ${STAMP}` })],
    ['B9 of another account', () => from({ signature: sign(STAMP, BODY, 'the-secret-of-account-A') })],
    [
      'B10 keys in another order',
      () => from({ signature: good, body: '{"updated_at":"2026-11-23T10:00:00Z","ticket_id":"7"}' }),
    ],
    ['B10 spaces', () => from({ signature: good, body: BODY.replace(':', ': ') })],
    ['B10 an escape', () => from({ signature: good, body: BODY.replace('ticket', String.raw`\u0074icket`) })],
    ['B10 a byte order mark', () => from({ signature: good, body: `\ufeff${BODY}` })],
    ['B10 CRLF', () => from({ signature: good, body: `${BODY}\r\n` })],
    ['B12 wrong', () => token(['X-Draftdesk-Token', 'something-else-entirely'])],
    ['B12 one character short', () => token(['X-Draftdesk-Token', freshToken.slice(0, -1)])],
    ['B12 twice', () => token(['X-Draftdesk-Token', freshToken], ['X-Draftdesk-Token', freshToken])],
    ['B12 password twice', () => token(password, password)],
  ])('%s is 401 and leaves nothing', async (_what, sent) => {
    expect(statuses(await raw(sent()))).toEqual([401]);
    expect(parts.outbox.ingested).toEqual([]);
  });

  it('B5 two timestamp headers are 401', async () => {
    const { headers, ...rest } = from({});
    const stamp = headers.filter(([name]) => name.endsWith('Timestamp'));
    expect(statuses(await raw({ ...rest, headers: [...headers, ...stamp] }))).toEqual([401]);
  });

  it('B12 a token in the URL is 401, and goes into no event', async () => {
    for (const name of ['token', 'x-draftdesk-token', 'access_token']) {
      expect(statuses(await raw(token(), `/webhooks/freshdesk?${name}=${freshToken}`))).toEqual([401]);
    }
    expect(JSON.stringify(parts.observer.events)).not.toContain(freshToken);
  });

  it('B8 the key is what the signature covers: another id in an unsigned header makes no new event', async () => {
    const { headers, ...rest } = from({ body: BODY.replace('"7"', '"88"') });
    const ids = ['one', 'two'].map((id) => [...headers, ['X-Zendesk-Webhook-Id', id], ['X-Request-Id', id]] as const);
    const answers = [];
    for (const each of ids) answers.push(await raw({ ...rest, headers: each }));
    expect(answers.map((answer) => /"duplicate":(\w+)/.exec(answer)?.[1])).toEqual(['false', 'true']);
    expect(parts.outbox.ingested).toHaveLength(1);
  });

  it('B10 bodies with a byte order mark or broken UTF-8 verify when they were signed so', async () => {
    const bodies = [Buffer.from(`\ufeff{"ticket_id":"71"}`), Buffer.from('{"ticket_id":"72","x":"\u00ff"}', 'latin1')];
    for (const body of bodies) expect(statuses(await raw(from({ body })))).toEqual([202]);
  });

  it('B11 signed by the old secret or the new: 202', async () => {
    for (const [index, key] of ZENDESK_SECRETS.entries()) {
      const body = BODY.replace('"7"', `"11${index}"`);
      expect(statuses(await raw(from({ body, signature: sign(STAMP, body, key) })))).toEqual([202]);
    }
    for (const each of FRESHDESK_TOKENS) expect(statuses(await raw(token(['X-Draftdesk-Token', each])))).toEqual([202]);
  });

  it('promise 6: 500 forgeries, none accepted, no answer of 500 or more', async () => {
    const source = { random: seededRandom(SEED + 1), now: parts.clock.now() };
    const answered = await Promise.all(
      [...mutations(source, 500)].map(async (mutation: Mutation) => [mutation.what, statuses(await raw(mutation))]),
    );
    expect(answered.filter(([, status]) => String(status) !== '401')).toEqual([]);
    expect(parts.outbox.ingested).toEqual([]);
  });

  it('B13 10,000 bad signatures are 401 each, and a genuine one beside them is 202', async () => {
    const bad = from({ signature: sign(STAMP, BODY, 'wrong') });
    const fine = from({ body: BODY.replace('"7"', '"1313"') });
    const flood = countStatuses(sendAll(parts, Array<SentWebhook>(10_000).fill(bad)));
    expect(statuses(await raw(fine))).toEqual([202]);
    expect(await flood).toEqual({ 401: 10_000 });
  });
});

describe('a genuine webhook again', () => {
  const first = (parts: TestApp): SentWebhook => {
    const [sent] = genuine(parts, 100, 0).filter(({ helpdesk }) => helpdesk === 'zendesk');
    if (sent === undefined) throw new Error('no webhook');
    return sent;
  };

  it('B6 within its 300 s is a duplicate and no work; B7 after them 401', async () => {
    const parts = realApp([0]);
    const sent = first(parts);
    expect(await json(await send(parts, sent))).toMatchObject({ duplicate: false });
    expect(await json(await send(parts, sent))).toMatchObject({ status: 'accepted', duplicate: true });
    await parts.clock.advance(601_000);
    expect((await send(parts, sent)).status).toBe(401);
    expect(parts.outbox.ingested).toHaveLength(1);
  });
});
