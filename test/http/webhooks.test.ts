import { describe, expect, test } from 'vitest';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { traceIdOf } from '../../src/core/clock.ts';
import { signature, signedHelpdesk } from '../support/fakes.ts';
import { TRACEPARENT } from '../support/factories.ts';
import { json, testApp, webhook } from './test-app.ts';

const EVENT = JSON.stringify({ id: 'e1', ticket: '5158' });
const PATH = '/webhooks/zendesk';
const MIB = 1024 * 1024;

/** A genuine event of exactly so many bytes. */
function eventOf(bytes: number): string {
  const empty = JSON.stringify({ id: 'e1', ticket: '5158', pad: '' });
  return JSON.stringify({ id: 'e1', ticket: '5158', pad: 'x'.repeat(bytes - empty.length) });
}

describe('what a genuine webhook is answered', () => {
  test('a new event is 202 accepted, stored before the answer', async () => {
    const { app, outbox, observer } = testApp();
    const response = await app.request(PATH, webhook(EVENT));
    expect(response.status).toBe(202);
    expect(await response.text()).toBe(
      '{"status":"accepted","helpdesk":"zendesk","ticketId":"5158","duplicate":false}',
    );
    expect(outbox.ingested).toMatchObject([{ helpdesk: 'zendesk', event: { ticketId: '5158', key: 'e1' } }]);
    expect(observer.events).toEqual([
      { name: 'webhook', helpdesk: 'zendesk', outcome: 'accepted', status: 202, reason: null, ticketId: '5158' },
    ]);
  });

  test('the answer waits for the store', async () => {
    const { app, outbox } = testApp();
    let commit = (): void => undefined;
    outbox.ingest = () => new Promise((resolve) => (commit = () => resolve('accepted')));
    let answered = false;
    const answer = Promise.resolve(app.request(PATH, webhook(EVENT))).finally(() => (answered = true));
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    expect(answered).toBe(false);
    commit();
    expect((await answer).status).toBe(202);
  });

  test('the same event again is a duplicate and no work (B6, A17)', async () => {
    const { app, outbox } = testApp();
    const answers = await Promise.all([
      app.request(PATH, webhook(EVENT)),
      app.request(PATH, webhook(EVENT)),
      app.request(PATH, webhook(EVENT, { headers: { 'x-delivery': 'another' } })),
    ]);
    const duplicates = await Promise.all(answers.map(async (answer) => (await json(answer))['duplicate']));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(duplicates).toEqual([false, true, true]);
    expect(outbox.ingested).toHaveLength(1);
  });

  test('an event that joins waiting work is new, not a duplicate', async () => {
    const { app, outbox } = testApp();
    outbox.onIngest = () => 'joined';
    expect(await json(await app.request(PATH, webhook(EVENT)))).toMatchObject({ status: 'accepted', duplicate: false });
  });

  test('an event that wants no draft is 202 ignored with the reason', async () => {
    const { app, outbox, observer } = testApp();
    const response = await app.request(PATH, webhook('{"ignore":"staff"}'));
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('{"status":"ignored","reason":"staff"}');
    expect(outbox.ingested).toEqual([]);
    expect(observer.events).toMatchObject([{ outcome: 'ignored', reason: 'staff' }]);
  });

  test('a valid traceparent is carried on', async () => {
    const { app, outbox } = testApp();
    await app.request(PATH, webhook(EVENT, { headers: { traceparent: TRACEPARENT } }));
    expect(outbox.ingested[0]?.traceparent).toBe(TRACEPARENT);
  });

  test.each(['junk', `${TRACEPARENT}-x`, `00-${'0'.repeat(32)}-0123456789abcdef-01`, ''])(
    'another one is replaced: %j',
    async (traceparent) => {
      const { app, outbox } = testApp();
      await app.request(PATH, webhook(EVENT, { headers: { traceparent } }));
      expect(traceIdOf(outbox.ingested[0]?.traceparent ?? '')).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect(outbox.ingested[0]?.traceparent).not.toBe(traceparent);
    },
  );
});

describe('what is refused', () => {
  const json415 = (contentType: string): RequestInit => webhook(EVENT, { headers: { 'content-type': contentType } });

  test.each<[string, string, RequestInit, number]>([
    ['A1 helpdesk not configured', '/webhooks/freshdesk', webhook(EVENT), 404],
    ['a name of JavaScript itself', '/webhooks/__proto__', webhook(EVENT), 404],
    ['no name', '/webhooks/', webhook(EVENT), 404],
    ['more path', '/webhooks/zendesk/x', webhook(EVENT), 404],
    ['other case', '/webhooks/ZENDESK', webhook(EVENT), 404],
    ['A2 GET', PATH, { method: 'GET' }, 405],
    ['A2 HEAD', PATH, { method: 'HEAD' }, 405],
    ['A2 PUT', PATH, { method: 'PUT', body: EVENT }, 405],
    ['A2 DELETE', PATH, { method: 'DELETE' }, 405],
    ['A2 OPTIONS', PATH, { method: 'OPTIONS' }, 405],
    ['A3 text', PATH, json415('text/plain'), 415],
    ['A3 empty', PATH, json415(''), 415],
    ['A3 multipart', PATH, json415('multipart/form-data; boundary=x'), 415],
    ['A3 utf-16', PATH, json415('application/json;charset=utf-16'), 415],
    ['A3 two charsets', PATH, json415('application/json;charset=utf-8;charset=utf-16'), 415],
    ['A3 like JSON', PATH, json415('application/json5'), 415],
    ['A13 gzip', PATH, webhook(EVENT, { headers: { 'content-encoding': 'gzip' } }), 415],
    ['A5 declared too long', PATH, webhook('', { headers: { 'content-length': '99999999999' } }), 413],
    ['A7 one byte too many', PATH, webhook(eventOf(MIB + 1)), 413],
    ['B1 no signature', PATH, webhook(EVENT, { headers: { 'x-signature': '' } }), 401],
    ['B2 short signature', PATH, webhook(EVENT, { headers: { 'x-signature': 'YQ==' } }), 401],
    ['B9 signed for another account', PATH, webhook(EVENT, { headers: signature(EVENT, 'other') }), 401],
    ['B10 re-serialised', PATH, webhook(` ${EVENT}`, { headers: signature(EVENT) }), 401],
    ['no body', PATH, webhook('', { headers: signature('x') }), 401],
    ['C1 half JSON', PATH, webhook('{'), 400],
    ['C1 null', PATH, webhook('null'), 400],
    ['C1 empty', PATH, webhook(''), 400],
    ['C1 spaces', PATH, webhook(' '.repeat(MIB)), 400],
    ['C2 nested', PATH, webhook('['.repeat(500_000)), 400],
    ['C4 prototype', PATH, webhook('{"__proto__":{"ticket":"1"}}'), 400],
  ])('%s', async (_what, path, init, status) => {
    const { app, outbox, observer } = testApp();
    const response = await app.request(path, init);
    expect(response.status).toBe(status);
    expect(outbox.ingested).toEqual([]);
    if (init.method !== 'HEAD') {
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await json(response)).toMatchObject({ type: 'about:blank', status, title: expect.any(String) });
    }
    expect(response.headers.get('allow')).toBe(status === 405 ? 'POST' : null);
    if (path === PATH) expect(observer.events).toMatchObject([{ name: 'webhook', outcome: 'refused', status }]);
  });

  test('a missing content type is 415', async () => {
    const body = new TextEncoder().encode(EVENT);
    const response = await testApp().app.request(PATH, { method: 'POST', body, headers: signature(body) });
    expect(response.status).toBe(415);
  });

  test.each([
    'application/json; charset=utf-8',
    'Application/JSON;Charset="UTF-8"',
    'application/json;charset=utf8',
    'application/json; profile="x"; version=1',
    'application/json ;',
  ])('A4 accepts %s', async (contentType) => {
    const response = await testApp().app.request(PATH, json415(contentType));
    expect(response.status).toBe(202);
  });

  test('A7 a body of exactly 1 MiB is accepted, declared or not', async () => {
    const body = eventOf(MIB);
    expect(body).toHaveLength(1_048_576);
    const { app } = testApp();
    const declared = webhook(body, { headers: { 'content-length': String(MIB) } });
    expect((await app.request(PATH, webhook(body))).status).toBe(202);
    expect((await app.request(PATH, declared)).status).toBe(202);
  });

  test('B10 the raw bytes are what is signed: a byte order mark and invalid UTF-8 verify', async () => {
    const { app, outbox } = testApp();
    const withMark = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(EVENT)]);
    const broken = Buffer.concat([
      Buffer.from('{"id":"e2","ticket":"1","x":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    expect((await app.request(PATH, webhook(withMark))).status).toBe(202);
    expect((await app.request(PATH, webhook(broken))).status).toBe(202);
    expect(outbox.ingested).toHaveLength(2);
  });

  test('B11 two secrets at once', async () => {
    const { app } = testApp({ zendesk: signedHelpdesk('zendesk', ['new', 'old']) });
    const answers = ['new', 'old', 'removed'].map(async (secret) =>
      app.request(PATH, webhook(EVENT, { headers: signature(EVENT, secret) })),
    );
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([202, 202, 401]);
  });
});

describe('the order of the checks', () => {
  // Each request is wrong in everything that comes later too: the first check decides.
  const late = { 'x-signature': 'wrong', 'content-length': String(2 * MIB), 'content-encoding': 'gzip' };
  test.each<[string, string, RequestInit, number]>([
    ['route before method', '/webhooks/nobody', { method: 'PUT', headers: late, body: '{' }, 404],
    ['method before type', PATH, { method: 'PUT', headers: { ...late, 'content-type': 'text/plain' }, body: '{' }, 405],
    ['type before size', PATH, { method: 'POST', headers: late, body: '{' }, 415],
    ['size before signature', PATH, webhook('{', { headers: { ...late, 'content-encoding': 'identity' } }), 413],
    ['signature before JSON', PATH, webhook('{', { headers: { 'x-signature': 'wrong' } }), 401],
    ['JSON before stopping', PATH, webhook('{'), 400],
    ['ignore before stopping', PATH, webhook('{"ignore":"staff"}'), 202],
    ['stopping before the store', PATH, webhook(EVENT), 503],
  ])('%s', async (_what, path, init, status) => {
    const { app, control, outbox } = testApp();
    control.isStopping = true;
    expect((await app.request(path, init)).status).toBe(status);
    expect(outbox.ingested).toEqual([]);
  });
});

describe('503, never 500', () => {
  const retryAfter = (response: Response): number => Number(response.headers.get('retry-after'));

  test.each<[string, () => 'full']>([
    ['full', () => 'full'],
    ['storage', () => fail(new OutboxUnavailable('SQLITE_FULL'))],
    ['fault', () => fail(new TypeError('secret of the handler'))],
    ['fault', () => fail('not even an error')],
  ])('%s answers 503 with Retry-After 1-59', async (reason, onIngest) => {
    const { app, outbox, observer } = testApp();
    outbox.onIngest = onIngest;
    const seconds = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const response = await app.request(PATH, webhook(EVENT));
      expect(response.status).toBe(503);
      expect(await response.text()).not.toContain('secret');
      seconds.add(retryAfter(response));
    }
    expect(observer.events).toContainEqual(expect.objectContaining({ outcome: 'refused', status: 503, reason }));
    expect([...seconds].every((value) => Number.isInteger(value) && value >= 1 && value <= 59)).toBe(true);
    expect(seconds.size).toBeGreaterThan(1);
  });

  test('an adapter that throws is 503 and a fault without its message', async () => {
    const zendesk = { ...signedHelpdesk(), authenticate: () => fail(new RangeError('input buffers of customer X')) };
    const { app, observer } = testApp({ zendesk });
    expect((await app.request(PATH, webhook(EVENT))).status).toBe(503);
    expect(observer.events[0]).toEqual({ name: 'fault', where: 'webhook', error: 'RangeError' });
  });

  test('even a fault outside all checks is 503', async () => {
    const { app, observer } = testApp();
    observer.webhook = () => fail(new TypeError('secret'));
    const response = await app.request(PATH, webhook(EVENT));
    expect(response.status).toBe(503);
    expect(observer.events).toContainEqual({ name: 'fault', where: 'webhook', error: 'TypeError' });
  });

  test('a duplicate is told even when new events find no room', async () => {
    const { app, outbox } = testApp();
    await app.request(PATH, webhook(EVENT));
    outbox.onIngest = ({ event }) => (event.key === 'e1' ? undefined : 'full');
    expect((await app.request(PATH, webhook(EVENT))).status).toBe(202);
    expect((await app.request(PATH, webhook('{"id":"e2","ticket":"2"}'))).status).toBe(503);
  });

  test('A12 at most 32 MB of bodies at one moment; small ones still get in, and room comes back', async () => {
    const { app, outbox } = testApp();
    const commits: (() => void)[] = [];
    outbox.ingest = () => new Promise((resolve) => commits.push(() => resolve('accepted')));
    const body = eventOf(MIB);
    const statuses: number[] = [];
    const send = async (init: RequestInit): Promise<void> => {
      statuses.push((await app.request(PATH, init)).status);
    };
    const declared = { headers: { 'content-length': String(MIB) } };
    const sent = Array.from({ length: 40 }, (_, index) => send(webhook(body, index % 2 === 0 ? declared : {})));
    await until(() => commits.length + statuses.length === 40);
    expect(statuses).toEqual(Array(8).fill(503));
    sent.push(send(webhook(EVENT)));
    await until(() => commits.length === 33);
    for (const commit of commits) commit();
    await Promise.all(sent);
    outbox.ingest = async () => 'accepted';
    expect((await app.request(PATH, webhook(body))).status).toBe(202);
  });
});

describe('A12 room for large bodies', () => {
  /** Of 1 MiB each. */
  const PLACES = 32;

  /** A body of 1 MiB, declared, of which so many bytes come; `end` sends the rest of nothing. */
  const slow = (bytes: number) => {
    let end = (): void => undefined;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        if (bytes > 0) controller.enqueue(new Uint8Array(bytes));
        end = () => controller.error(new Error('aborted'));
      },
    });
    const headers = { 'content-type': 'application/json', 'content-length': String(MIB) };
    const init = { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit;
    return { init, end: () => end() };
  };
  const large = webhook(eventOf(MIB), { headers: { 'content-length': String(MIB) } });

  test('is taken by what is declared, so that what finds none is not read', async () => {
    const { app } = testApp();
    const holding = Array.from({ length: PLACES }, () => slow(1));
    const answers = holding.map(async ({ init }) => app.request(PATH, init));
    let read = 0;
    const refused = await app.request(PATH, {
      ...slow(0).init,
      body: new ReadableStream({ pull: () => void read++ }, { highWaterMark: 0 }),
    } as RequestInit);
    expect([refused.status, read]).toEqual([503, 0]);
    for (const { end } of holding) end();
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([400]));
    expect((await app.request(PATH, large)).status).toBe(202);
  });

  test('who takes it and sends little loses it to the next after a second; who sends keeps it', async () => {
    const { app, clock, outbox } = testApp();
    const quick = slow(512 * 1024);
    const holding = [quick, ...Array.from({ length: PLACES - 1 }, () => slow(1000))];
    const answers = holding.map(async ({ init }) => app.request(PATH, init));
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    expect((await app.request(PATH, large)).status).toBe(503);
    await clock.advance(2000);
    expect((await app.request(PATH, large)).status).toBe(202);
    expect(await Promise.race(answers.slice(1).map(async (answer) => (await answer).status))).toBe(503);
    expect(outbox.ingested).toHaveLength(1);
    // one has made room; the quick one is not it
    quick.end();
    expect((await answers[0])?.status).toBe(400);
    for (const { end } of holding.slice(1)) end();
    const ends = (await Promise.all(answers)).map(({ status }) => status);
    expect(ends.toSorted((a, b) => a - b)).toEqual([...Array<number>(PLACES - 1).fill(400), 503]);
  });
});

test('C: no answer echoes what was sent', async () => {
  const { app } = testApp();
  const marker = 'CANARY<script>';
  const answers = await Promise.all([
    app.request(`/webhooks/${encodeURIComponent(marker)}`, webhook(marker)),
    app.request(PATH, { method: 'PUT', body: marker }),
    app.request(PATH, webhook(marker, { headers: { 'content-type': marker } })),
    app.request(PATH, webhook(marker, { headers: { 'x-signature': marker } })),
    app.request(PATH, webhook(marker)),
    app.request(`/${encodeURIComponent(marker)}?q=${encodeURIComponent(marker)}`),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([404, 405, 415, 401, 400, 404]);
  for (const answer of answers) {
    const said = (await answer.text()) + JSON.stringify([...answer.headers]);
    expect(said).not.toContain('CANARY');
  }
});

function fail(error: unknown): never {
  throw error;
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
