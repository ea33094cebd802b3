import type { Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { signature } from '../support/fakes.ts';
import { exchange, statuses } from '../support/raw-http.ts';
import { serveApp } from './serve-app.ts';
import { ADMIN_TOKEN, type TestApp, testApp, VIEWER_TOKEN } from './test-app.ts';

/** What only a socket shows: reliability.md §c, group A. */

let close: (() => Promise<void>) | null = null;

afterEach(async () => {
  await close?.();
  close = null;
});

interface Served extends TestApp {
  readonly exchange: (text: string, more?: (socket: Socket) => void) => Promise<string>;
}

async function serve(): Promise<Served> {
  const parts = testApp();
  const served = await serveApp(parts);
  close = served.close;
  return { ...parts, exchange: (text, more) => exchange(served.port, text, more) };
}

const HEAD = 'POST /webhooks/zendesk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

function request(body: string, headers = ''): string {
  const signed = `X-Signature: ${signature(body)['x-signature']}\r\n`;
  return `${HEAD}${signed}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Sends chunks for as long as the other side takes them. */
function flood(socket: Socket, chunks: number): void {
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  let sent = 0;
  const go = (): void => {
    while (sent < chunks && !socket.destroyed) {
      sent += 1;
      if (!socket.write(chunk)) {
        socket.once('drain', go);
        return;
      }
    }
    socket.write('0\r\n\r\n');
  };
  go();
}

describe('webhooks over a socket', () => {
  test('a genuine one is 202, small, large, declared and chunked', async () => {
    const { exchange, outbox } = await serve();
    for (const [index, size] of [0, 20_000, 900_000].entries()) {
      const body = JSON.stringify({ id: `e${index}`, ticket: '1', pad: 'x'.repeat(size) });
      const chunked =
        `${HEAD}X-Signature: ${signature(body)['x-signature']}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n` +
        `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      expect(statuses(await exchange(request(body, 'Connection: close\r\n')))).toEqual([202]);
      expect(await exchange(chunked)).toContain('"duplicate":true');
    }
    expect(outbox.ingested).toHaveLength(3);
  });

  test('A2 TRACE is 405 and echoes nothing', async () => {
    const { exchange } = await serve();
    const answer = await exchange(
      'TRACE /webhooks/zendesk HTTP/1.1\r\nHost: localhost\r\nX-Canary: canary\r\nConnection: close\r\n\r\n',
    );
    expect(statuses(answer)).toEqual([405]);
    expect(answer).toMatch(/^allow: POST\r$/im);
    expect(answer).not.toContain('canary');
  });

  test('A5 a declared length that is too long is 413 without a byte of body', async () => {
    const { exchange } = await serve();
    expect(statuses(await exchange(`${HEAD}Content-Length: 99999999999\r\n\r\n`))).toEqual([413]);
  });

  test('A6 chunks past 1 MiB are 413 and the connection is closed', async () => {
    const { exchange, outbox } = await serve();
    const answer = await exchange(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, (socket) => flood(socket, 800));
    expect(statuses(answer)).toEqual([413]);
    expect(outbox.ingested).toEqual([]);
  });

  test('A8, A9, A10, A14 what the parser and the timeouts answer', async () => {
    const { exchange, outbox } = await serve();
    const cases: [string, string, number][] = [
      ['A8 length and chunks', `${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`, 400],
      ['A8 two lengths', `${HEAD}Content-Length: 3\r\nContent-Length: 4\r\n\r\n`, 400],
      ['A8 negative length', `${HEAD}Content-Length: -3\r\n\r\n`, 400],
      ['A8 no Host', 'POST /webhooks/zendesk HTTP/1.1\r\n\r\n', 400],
      ['A9 large header', `${HEAD}X-Large: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ['A10 headers that stall', HEAD, 408],
      ['A10 a body that stalls', `${HEAD}Content-Length: 100\r\n\r\nabc`, 408],
      ['A10 chunks that stall', `${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`, 408],
      ['A14 Expect, then nothing', `${HEAD}Expect: 100-continue\r\nContent-Length: 100\r\n\r\n`, 408],
    ];
    const answered = cases.map(async ([what, text]) => [what, statuses(await exchange(text))]);
    expect(await Promise.all(answered)).toEqual(cases.map(([what, , status]) => [what, [status]]));
    expect(outbox.ingested).toEqual([]);
  });

  test.each([
    ['declared', 'Content-Length: 100\r\n\r\nabc'],
    ['declared and large', 'Content-Length: 100000\r\n\r\nabc'],
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ])('A11 a client that closes in mid-body (%s) is no fault and no console line', async (_what, rest) => {
    const printed = [vi.spyOn(console, 'error'), vi.spyOn(console, 'info'), vi.spyOn(console, 'log')];
    const { exchange, observer, outbox } = await serve();
    await exchange(HEAD + rest, (socket) => socket.end());
    await vi.waitFor(() => expect(observer.events).toHaveLength(1));
    expect(observer.events).toMatchObject([{ name: 'webhook', outcome: 'refused', status: 400, reason: 'cut' }]);
    expect(outbox.ingested).toEqual([]);
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  });

  test('A15 a hundred in one go on one socket, each answered once, in order', async () => {
    const { exchange, outbox } = await serve();
    const all = Array.from({ length: 100 }, (_, index) =>
      request(
        JSON.stringify({ id: `e${index}`, ticket: String(index + 1) }),
        index === 99 ? 'Connection: close\r\n' : '',
      ),
    );
    const answer = await exchange(all.join(''));
    expect(statuses(answer)).toEqual(Array(100).fill(202));
    const answered = [...answer.matchAll(/"ticketId":"(\d+)"/g)].map((match) => match[1]);
    expect(answered).toEqual(Array.from({ length: 100 }, (_, index) => String(index + 1)));
    expect(outbox.ingested).toHaveLength(100);
  });
});

describe('admin over a socket', () => {
  const get = (target: string, headers: string): string =>
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`;
  const good = `Authorization: Bearer ${ADMIN_TOKEN}\r\n`;

  test('D1 two Authorization headers are 401, also when one or both are good', async () => {
    const { exchange } = await serve();
    expect(statuses(await exchange(get('/admin/progress', good)))).toEqual([200]);
    for (const headers of [good + good, `${good}Authorization: Basic x\r\n`, `Authorization: Basic x\r\n${good}`]) {
      expect(statuses(await exchange(get('/admin/progress', headers)))).toEqual([401]);
    }
  });

  test.each(['http://localhost/admin/progress', '//admin/progress', '/\\admin/progress', '/x/../admin/progress'])(
    'D2 %s',
    async (target) => {
      const { exchange } = await serve();
      const answer = await exchange(get(target, ''));
      expect([400, 401, 404]).toContain(statuses(answer)[0]);
      expect(answer).not.toContain('ratePerMinute');
    },
  );

  const post = (target: string, headers: string, body = ''): string =>
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
  const viewer = `Authorization: Bearer ${VIEWER_TOKEN}\r\n`;
  const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4);

  test('D3 HEAD wants the same token and has no body', async () => {
    const { exchange } = await serve();
    const head = (headers: string) => exchange(get('/admin/tickets', headers).replace('GET', 'HEAD'));
    expect(statuses(await head(''))).toEqual([401]);
    const answer = await head(good);
    expect([statuses(answer), bodyOf(answer)]).toEqual([[200], '']);
  });

  test('D4 a token in the URL is 401, comes back in no answer and goes into no event', async () => {
    const { exchange, observer, audit } = await serve();
    const answer = await exchange(get(`/admin/progress?token=${ADMIN_TOKEN}`, good));
    expect(statuses(answer)).toEqual([401]);
    expect(answer + JSON.stringify([observer.events, audit.written])).not.toContain(ADMIN_TOKEN);
  });

  test.each([
    'limit=',
    'limit=1e9',
    'limit=-1',
    'limit=NaN',
    'limit=1&limit=2',
    'limit=9007199254740993',
    'cursor=forged',
  ])('D7 ?%s is 400', async (query) => {
    const { exchange } = await serve();
    expect(statuses(await exchange(get(`/admin/tickets?${query}`, good)))).toEqual([400]);
  });

  test('D8 what is not there is 404, what is not possible 409 with its state', async () => {
    const { exchange, outbox } = await serve();
    expect(statuses(await exchange(post('/admin/tickets/zendesk/404/retry', good)))).toEqual([404]);
    outbox.action = { kind: 'conflict', status: 'posted' };
    const answer = await exchange(post('/admin/tickets/zendesk/5158/retry', good));
    expect(statuses(answer)).toEqual([409]);
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ state: 'posted' });
  });

  test('D10 Host and X-Forwarded-For change neither the link nor who is counted: the eleventh wrong token is 429', async () => {
    const { exchange, audit } = await serve();
    const answers = [];
    for (let i = 0; i < 11; i++) {
      const lie = `X-Forwarded-For: 10.0.0.${i}\r\nAuthorization: Bearer wrong\r\n`;
      answers.push(await exchange(get('/admin/progress', lie).replace('localhost', 'evil.test')));
    }
    expect(answers.flatMap(statuses)).toEqual([...Array<number>(10).fill(401), 429]);
    expect(answers[10]).toMatch(/^retry-after: \d+\r$/im);
    expect(audit.written).toMatchObject([{ address: '127.0.0.1', action: 'login' }]);
    const body = '{"helpdesk":"zendesk","ticketIds":[1]}';
    const created = await exchange(post('/admin/batches', good, body).replace('localhost', 'evil.test'));
    expect(created).toMatch(/^location: \/admin\/batches\/b1\r$/im);
  });

  test('D12 a fault is 500 with an id and nothing of what was wrong', async () => {
    const { exchange, control } = await serve();
    control.progress = () => {
      throw new Error('db password is x');
    };
    const answer = await exchange(get('/admin/progress', good));
    expect(statuses(answer)).toEqual([500]);
    expect(answer).not.toContain('password');
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ requestId: expect.stringMatching(/^[0-9a-f]{12}$/) });
  });

  test('D13 a viewer may look; a change is 403 and a row with the address it came from', async () => {
    const { exchange, audit, control } = await serve();
    expect(statuses(await exchange(get('/admin/progress', viewer)))).toEqual([200]);
    expect(statuses(await exchange(post('/admin/pause', viewer)))).toEqual([403]);
    expect(audit.written).toMatchObject([
      { who: 'vera', address: '127.0.0.1', action: 'POST /admin/pause', outcome: 'forbidden' },
    ]);
    expect(control.calls).toEqual([]);
  });

  test('D9 of 200 watchers 100 get a place, the others 503; those who vanish free theirs', async () => {
    const { exchange, clock } = await serve();
    const sockets: Socket[] = [];
    const watch = () =>
      new Promise<[string, Promise<string>]>((resolve) => {
        const over = exchange(get('/admin/events', good), (socket) => {
          socket.once('data', (data) => {
            sockets.push(socket);
            resolve([/HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1] ?? '', over]);
          });
        });
      });
    const watchers = await Promise.all(Array.from({ length: 200 }, watch));
    const got = watchers.map(([status]) => status).toSorted();
    expect(got).toEqual([...Array<string>(100).fill('200'), ...Array<string>(100).fill('503')]);
    for (const socket of sockets) socket.destroy();
    await Promise.all(watchers.map(([, over]) => over));
    await vi.waitFor(async () => {
      await clock.advance(500);
      expect(clock.pending()).toBe(0);
    });
    expect((await watch())[0]).toBe('200');
    sockets.at(-1)?.destroy();
  });

  test('D9 a watcher who vanishes frees its place', async () => {
    const { exchange, clock } = await serve();
    const answer = await exchange(get('/admin/events', good), (socket) => {
      socket.once('data', () => socket.destroy());
    });
    expect(answer).toMatch(/^content-type: text\/event-stream\r$/im);
    await vi.waitFor(async () => {
      await clock.advance(500);
      expect(clock.pending()).toBe(0);
    });
  });
});
