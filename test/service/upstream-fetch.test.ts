import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUpstreamFetch } from '../../src/upstream-fetch.ts';

describe('the fetch for upstream calls', () => {
  const send = createUpstreamFetch();
  let server: Server;
  let url: string;
  let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  const sockets = new Set<unknown>();

  beforeEach(async () => {
    server = createServer((request, response) => {
      sockets.add(request.socket);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => answer(request, response, body));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    sockets.clear();
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('sends method, headers and text, and reads status, headers and text', async () => {
    answer = (request, response, body) => {
      response.writeHead(201, { 'x-one': 'a', 'set-cookie': ['b=1', 'c=2'] });
      response.end(
        `${request.method} ${request.url} ${String(request.headers['x-two'])} ${String(request.headers['content-length'])} ${body}`,
      );
    };
    const response = await send(`${url}/path?q=1`, { method: 'PUT', headers: { 'x-two': 'zwei' }, body: 'grüß' });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-one')).toBe('a');
    expect(response.headers.getSetCookie()).toEqual(['b=1', 'c=2']);
    expect(await response.text()).toBe('PUT /path?q=1 zwei 6 grüß');
  });

  it('sends a stream as it comes', async () => {
    answer = (request, response, body) =>
      response.end(`${String(request.headers['transfer-encoding'])} ${body.length}`);
    const body = new ReadableStream({
      start: (controller) => {
        for (let part = 0; part < 3; part += 1) controller.enqueue(new TextEncoder().encode('x'.repeat(100_000)));
        controller.close();
      },
    });
    expect(await (await send(url, { method: 'POST', body })).text()).toBe('chunked 300000');
  });

  it.each(['breaks', 'is not wanted any more'])('ends the call, and the stream, when a stream %s', async (how) => {
    answer = (_request, response) => response.end('never');
    const stop = new AbortController();
    let left = 3;
    let cancelled = false;
    const body = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(new Uint8Array(100_000));
        left -= 1;
        if (left > 0) return;
        if (how === 'breaks') controller.error(new RangeError('bug'));
        else stop.abort();
      },
      cancel: () => void (cancelled = true),
    });
    const error: unknown = await send(url, { method: 'POST', body, signal: stop.signal }).catch((reason) => reason);
    if (how === 'breaks') expect((error as TypeError).cause).toBeInstanceOf(RangeError);
    else expect([(error as Error).name, cancelled]).toEqual(['AbortError', true]);
  });

  it('refuses a body that it cannot send', async () => {
    await expect(send(url, { method: 'POST', body: new FormData() })).rejects.toThrow('texts and streams');
  });

  it('reads an answer of any size, whole', async () => {
    const text = 'ü'.repeat(2_000_000);
    answer = (_request, response) => response.end(text);
    expect(await (await send(url)).text()).toBe(text);
  });

  it('follows no redirect', async () => {
    answer = (_request, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
    expect((await send(url, { method: 'POST', body: 'secret' })).status).toBe(307);
  });

  it('has no body where the status allows none', async () => {
    answer = (_request, response) => response.writeHead(204).end();
    const response = await send(url, { method: 'DELETE' });
    expect(response.body).toBeNull();
  });

  it('uses a connection again', async () => {
    answer = (_request, response) => response.end('ok');
    for (let call = 0; call < 3; call += 1) await (await send(url)).text();
    expect(sockets.size).toBe(1);
  });

  it('fails as fetch does when there is no answer: TypeError with the system error as cause', async () => {
    answer = (request) => request.socket.destroy();
    const reset = await send(url).catch((error: unknown) => error);
    expect(reset).toBeInstanceOf(TypeError);
    expect((reset as TypeError).cause).toMatchObject({ code: 'ECONNRESET' });
    const refused = await send('http://127.0.0.1:1/').catch((error: unknown) => error);
    expect((refused as TypeError).cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it.each(['HTTP/1.1 999 What', 'HTTP/1.1 600 What', 'HTTP/1.1 101 Switching Protocols', 'no HTTP at all'])(
    'fails, and nothing worse, when the answer begins %j',
    async (line) => {
      answer = (request) =>
        request.socket.end(`${line}\r\nconnection: upgrade\r\nupgrade: x\r\ncontent-length: 0\r\n\r\n`);
      await expect(send(url)).rejects.toThrow(TypeError);
    },
  );

  it('gives the headers of a cut answer, and fails at its body', async () => {
    answer = (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => request.socket.destroy());
    };
    const response = await send(url);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  it.each(['text', 'body'] as const)('fails at the %s of an answer that broke before anybody read it', async (how) => {
    answer = (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => request.socket.destroy());
    };
    const response = await send(url);
    // by the time others have their answers, the news has come
    answer = (_request, other) => other.end('ok');
    for (let call = 0; call < 3; call += 1) await (await send(url)).text();
    const reading = how === 'text' ? response.text() : new Response(response.body).text();
    await expect(reading).rejects.toThrow(TypeError);
  });

  it('gives a stream to whoever wants one, and its text but once', async () => {
    answer = (_request, response) => response.end('{"a":"ü"}');
    const streamed = await send(url);
    expect(await new Response(streamed.body).json()).toEqual({ a: 'ü' });
    const read = await send(url);
    expect([read.bodyUsed, await read.json(), read.bodyUsed]).toEqual([false, { a: 'ü' }, true]);
    await expect(read.text()).rejects.toThrow(TypeError);
  });

  it.each(['before the call', 'before the answer', 'in the middle of it'])('stops when aborted %s', async (when) => {
    const stop = new AbortController();
    if (when === 'before the call') stop.abort();
    answer = (_request, response) => {
      if (when === 'in the middle of it') response.writeHead(200).write('half');
      setImmediate(() => stop.abort());
    };
    const reading = send(url, { signal: stop.signal }).then((response) => response.text());
    const error = await reading.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    if (when !== 'in the middle of it') expect((error as Error).name).toBe('AbortError');
  });
});
