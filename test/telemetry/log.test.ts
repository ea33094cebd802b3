import { describe, expect, test } from 'vitest';
import { createLogger, type LogFields, type LogOptions } from '../../src/telemetry/log.ts';
import { createLogObserver } from '../../src/telemetry/log-observer.ts';
import { type OutputStream, stdoutWriter } from '../../src/telemetry/stdout-writer.ts';
import { TRACEPARENT } from '../support/factories.ts';
import { fakeClock } from '../support/fake-clock.ts';

function setup(level: LogOptions['level'] = 'debug') {
  const clock = fakeClock();
  const written: string[] = [];
  const room = { left: Number.POSITIVE_INFINITY };
  const write = (line: string): boolean => {
    if (room.left <= 0) return false;
    room.left -= 1;
    written.push(line);
    return true;
  };
  const log = createLogger({ level, clock, write });
  const lines = (): Record<string, unknown>[] => written.splice(0).map((line) => JSON.parse(line));
  return { clock, log, observer: createLogObserver(log, clock), written, room, lines };
}

const ticket = { helpdesk: 'zendesk', ticketId: '5', traceparent: TRACEPARENT };

describe('createLogger', () => {
  test('one JSON line with level, time and message', () => {
    const { log, written } = setup();
    log.write('info', 'listening', { url: 'http://127.0.0.1:8787' });
    expect(written).toEqual([
      '{"level":"info","time":"2026-11-23T10:00:00.000Z","url":"http://127.0.0.1:8787","msg":"listening"}\n',
    ]);
  });

  test('fields that are not on the list are not written, nor are objects', () => {
    const { log, lines } = setup();
    const fields = { helpdesk: 'zendesk', subject: 'CANARY', body: 'CANARY', detail: { text: 'CANARY' }, reason: null };
    log.write('info', 'x', fields as unknown as LogFields);
    expect(lines()).toEqual([{ level: 'info', time: expect.any(String), helpdesk: 'zendesk', msg: 'x' }]);
  });

  test('no line feed, escape or invisible character gets out raw; long text is cut', () => {
    const { log, written } = setup();
    log.write('info', 'x', {
      detail: 'a\nb\u001b[31m\u009b31m\u202e\u2028\u200b\u{E0041}\u061c\ufe0f\ud800',
      error: 'x'.repeat(5000),
    });
    const [line = ''] = written;
    expect(line.slice(0, -1)).not.toMatch(/\p{Cc}|\u2028|\p{Default_Ignorable_Code_Point}|\p{Cs}/u);
    expect(line.length).toBeLessThan(700);
  });

  test.each([
    ['warn', ['warn', 'error']],
    ['silent', []],
  ] as const)('level %s', (level, expected) => {
    const { log, lines } = setup(level);
    for (const each of ['debug', 'info', 'warn', 'error'] as const) log.write(each, 'x', {});
    expect(lines().map((line) => line['level'])).toEqual(expected);
  });

  test('lines without room are dropped, counted, and told of once there is room', () => {
    const { log, lines, room } = setup();
    room.left = 1;
    for (let i = 0; i < 5; i++) log.write('info', `line ${i}`, {});
    expect(lines().map((line) => line['msg'])).toEqual(['line 0']);
    room.left = 10;
    log.write('info', 'again', {});
    expect(lines()).toMatchObject([{ level: 'warn', msg: 'log lines dropped', count: 4 }, { msg: 'again' }]);
    log.write('info', 'more', {});
    expect(lines().map((line) => line['msg'])).toEqual(['more']);
  });
});

describe('stdoutWriter', () => {
  class FakeStream implements OutputStream {
    readonly writes: string[] = [];
    readonly errorListeners: (() => void)[] = [];
    stalled = false;
    writableLength = 0;
    write(text: string, done?: () => void): boolean {
      if (text !== '') this.writes.push(text);
      if (this.stalled) this.writableLength += text.length;
      else done?.();
      return !this.stalled;
    }
    listeners(): unknown[] {
      return this.errorListeners;
    }
    on(_event: 'error', listener: () => void): void {
      this.errorListeners.push(listener);
    }
  }
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(resolve);
    });

  test('the lines of one turn go out in one write, in order', async () => {
    const stream = new FakeStream();
    const writer = stdoutWriter(fakeClock(), stream);
    writer.write('a\n');
    writer.write('b\n');
    expect(stream.writes).toEqual([]);
    await turn();
    writer.write('c\n');
    await writer.flush();
    await turn();
    expect(stream.writes).toEqual(['a\nb\n', 'c\n']);
  });

  test('a stalled reader: bounded, refused, and flush gives up after half a second', async () => {
    const stream = new FakeStream();
    stream.stalled = true;
    const clock = fakeClock();
    const writer = stdoutWriter(clock, stream);
    const line = `${'x'.repeat(1023)}\n`;
    let taken = 0;
    for (let i = 0; i < 10_000; i++) {
      if (writer.write(line)) taken += 1;
      if (i % 100 === 0) await turn();
    }
    expect(taken).toBe(4096);
    let flushed = false;
    void writer.flush().then(() => (flushed = true));
    await clock.advance(499);
    expect(flushed).toBe(false);
    await clock.advance(1);
    expect(flushed).toBe(true);
    expect(clock.pending()).toBe(0);
  });

  test('a reader who has gone does not end the process, and is listened for once', () => {
    const stream = new FakeStream();
    stdoutWriter(fakeClock(), stream);
    stdoutWriter(fakeClock(), stream);
    expect(stream.errorListeners).toHaveLength(1);
    expect(() => stream.errorListeners[0]?.()).not.toThrow();
  });
});

describe('createLogObserver', () => {
  test('says what a pass over a source of knowledge has brought', () => {
    const { observer, lines } = setup();
    const brought = { imported: 3, updated: 2, removed: 1, durationMs: 40 };
    observer.knowledgeRead({ source: 'zendesk', kind: 'solved', ...brought });
    expect(lines()).toMatchObject([{ msg: 'knowledge read', helpdesk: 'zendesk', kind: 'solved', ...brought }]);
  });

  test('listening is one line with the url', () => {
    const { observer, lines } = setup('info');
    observer.service({ phase: 'listening', url: 'http://127.0.0.1:1' });
    expect(lines()).toMatchObject([{ level: 'info', msg: 'listening', url: 'http://127.0.0.1:1' }]);
  });

  test.each([
    ['accepted', 'info'],
    ['duplicate', 'debug'],
    ['ignored', 'debug'],
  ] as const)('webhook %s is %s', (outcome, level) => {
    const { observer, lines } = setup();
    observer.webhook({ helpdesk: 'zendesk', outcome, status: 202, reason: null, ticketId: '5' });
    expect(lines()).toMatchObject([{ level, msg: `webhook ${outcome}`, helpdesk: 'zendesk', ticketId: '5' }]);
  });

  test('B13 a flood of refusals is a line a second per reason, with the count', async () => {
    const { observer, lines, clock } = setup();
    const refuse = (reason: string, times: number): void => {
      for (let i = 0; i < times; i++) {
        observer.webhook({ helpdesk: 'zendesk', outcome: 'refused', status: 401, reason, ticketId: null });
      }
    };
    refuse('unauthenticated', 10_000);
    refuse('malformed', 1);
    expect(lines()).toMatchObject([
      { level: 'warn', reason: 'unauthenticated', status: 401, count: 1 },
      { level: 'warn', reason: 'malformed', count: 1 },
    ]);
    await clock.advance(1000);
    expect(lines()).toMatchObject([{ reason: 'unauthenticated', count: 9_999 }]);
    refuse('unauthenticated', 3);
    expect(lines()).toEqual([]);
    await clock.advance(1000);
    expect(lines()).toMatchObject([{ reason: 'unauthenticated', count: 3 }]);
    await clock.advance(5000);
    expect(lines()).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  test('A11 a client that hung up is a debug line', () => {
    const { observer, lines } = setup();
    observer.webhook({ helpdesk: 'zendesk', outcome: 'refused', status: 400, reason: 'cut', ticketId: null });
    expect(lines()).toMatchObject([{ level: 'debug', reason: 'cut' }]);
  });

  test.each([
    ['ok', 'debug'],
    ['retry', 'info'],
    ['dead', 'warn'],
    ['cancelled', 'info'],
    ['lost', 'info'],
  ] as const)('attempt %s is %s, with ids, class and trace id only', (outcome, level) => {
    const { observer, lines } = setup();
    observer.attempt({
      ticket,
      batchId: null,
      stage: 'draft',
      number: 2,
      outcome,
      errorClass: 'timeout',
      status: 504,
      durationMs: 12,
      delayMs: null,
    });
    expect(lines()).toEqual([
      {
        level,
        time: expect.any(String),
        msg: 'attempt',
        trace_id: '0123456789abcdef0123456789abcdef',
        helpdesk: 'zendesk',
        ticketId: '5',
        stage: 'draft',
        number: 2,
        outcome,
        errorClass: 'timeout',
        status: 504,
        durationMs: 12,
      },
    ]);
  });

  test('the other events', () => {
    const { observer, lines } = setup();
    observer.ticketFinished({ ticket, batchId: 'b1', status: 'posted', reason: null, totalMs: 5 });
    observer.paused({ scope: 'llm', reason: 'quota_exhausted' });
    observer.resumed({ scope: 'llm', by: 'probe' });
    observer.batch({ batchId: 'b1', state: 'running', total: 3, reason: null, createdAt: 0 });
    observer.alarm({ kind: 'posted_public', detail: 'a note came back public' });
    observer.fault({ where: 'webhook', error: 'TypeError' });
    observer.llmCall({
      ticket,
      model: 'm',
      tier: 'standard',
      errorClass: null,
      durationMs: 1,
      waitedMs: 2,
      estimatedTokens: 9,
      promptTokens: 3,
      cachedTokens: 0,
      completionTokens: 4,
      costUsd: 0.5,
    });
    expect(lines()).toMatchObject([
      { level: 'info', msg: 'ticket finished', status: 'posted', batchId: 'b1', totalMs: 5 },
      { level: 'warn', msg: 'paused', scope: 'llm', reason: 'quota_exhausted' },
      { level: 'info', msg: 'resumed', scope: 'llm', by: 'probe' },
      { level: 'info', msg: 'batch', batchId: 'b1', state: 'running', total: 3 },
      { level: 'error', msg: 'alarm', kind: 'posted_public', detail: 'a note came back public' },
      { level: 'error', msg: 'fault', where: 'webhook', error: 'TypeError', count: 1 },
      { level: 'debug', msg: 'llm call', model: 'm', waitedMs: 2, costUsd: 0.5 },
    ]);
  });
});
