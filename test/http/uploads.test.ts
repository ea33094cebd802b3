import type { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { exchange, statuses } from '../support/raw-http.ts';
import { serveApp } from './serve-app.ts';
import { ADMIN_TOKEN, type TestApp, testApp, VIEWER_TOKEN } from './test-app.ts';

/* Imports over a socket whose server lets no request take longer than 800 ms (serve-app.ts). */

const clock = systemClock();
let close: (() => Promise<void>) | null = null;

afterEach(async () => {
  await close?.();
  close = null;
});

interface Served extends TestApp {
  readonly send: (text: string, more?: (socket: Socket) => void) => Promise<string>;
}

async function serve(): Promise<Served> {
  const uploadLimits = { maxBytes: 1e6, idleMs: 1_000, bytesPerMs: 0.02 };
  // time that goes by: what is tested is how this and the server's own timeouts go together
  const parts = testApp({ uploadLimits, timers: clock });
  const served = await serveApp(parts);
  close = served.close;
  return { ...parts, send: (text, more) => exchange(served.port, text, more) };
}

const head = (token = ADMIN_TOKEN, more = 'Connection: close\r\n'): string =>
  `POST /admin/knowledge/articles HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${more}Transfer-Encoding: chunked\r\n\r\n`;

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const line = (n: number): string => `${JSON.stringify({ id: `a${n}`, title: 't', body: 'b' })}\n`;

/** Sends a line each 150 ms, then `end`. */
const trickle =
  (count: number, end: string) =>
  (socket: Socket): void => {
    void (async () => {
      for (let n = 0; n < count && !socket.destroyed; n += 1) {
        socket.write(chunk(line(n)));
        await clock.sleep(150);
      }
      socket.write(end);
    })();
  };

test('an import may take several times as long as other requests, and the next request on its socket may not', async () => {
  const { send, knowledge } = await serve();
  const stalled =
    'POST /webhooks/zendesk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\nabc';
  const answer = await send(head(ADMIN_TOKEN, ''), trickle(14, `0\r\n\r\n${stalled}`));
  expect(statuses(answer)).toEqual([200, 408]);
  expect(answer).toContain('"imported":14');
  expect(knowledge.keys('import', 'articles')).toHaveLength(14);
});

test('promise 8, A10: an import that stalls is 408, and what came is kept', async () => {
  const { send, knowledge } = await serve();
  const answer = await send(`${head()}${chunk(line(1))}${chunk('{"id":"a2","ti')}`);
  expect(statuses(answer)).toEqual([408]);
  expect(answer).toContain('"code":"request_timeout"');
  expect(knowledge.keys('import', 'articles')).toEqual(['a1']);
});

test('A10 an import that comes byte by byte is a stall as well', async () => {
  const { send } = await serve();
  const answer = await send(head(), (socket) => {
    const timer = setInterval(() => socket.write(chunk(' ')), 100);
    socket.on('close', () => clearInterval(timer));
  });
  expect(statuses(answer)).toEqual([408]);
});

test.each([
  ['a viewer', VIEWER_TOKEN, 403],
  ['nobody', 'x'.repeat(40), 401],
])('%s gets no time for an upload', async (_who, token, status) => {
  const { send, knowledge } = await serve();
  const answer = await send(head(token, ''), trickle(14, '0\r\n\r\n'));
  expect(statuses(answer)[0]).toBe(status);
  expect(knowledge.keys('import', 'articles')).toEqual([]);
});

test('a client that goes away in the middle of an import is no fault, and frees its place', async () => {
  const { send, knowledge, observer } = await serve();
  for (let n = 0; n < 6; n += 1) await send(`${head()}${chunk(line(n))}`, (socket) => socket.end());
  await vi.waitFor(() => expect(knowledge.keys('import', 'articles')).toHaveLength(6));
  expect(observer.events.filter(({ name }) => name === 'fault')).toEqual([]);
  expect(statuses(await send(`${head()}${chunk(line(7))}0\r\n\r\n`))).toEqual([200]);
});
