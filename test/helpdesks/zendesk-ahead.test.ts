import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import type { Conversation, Helpdesk } from '../../src/core/helpdesk.ts';
import { createPrefetch } from '../../src/helpdesks/prefetch.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { createZendeskSimulator, type ZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { failure, never, testDeps } from './deps.ts';

const NOTE = { marker: 'dd-000000000001', blocks: [{ kind: 'paragraph' as const, text: 'Hello.' }] };

describe('tickets of a batch that will be asked for soon', () => {
  let clock: FakeClock;
  let simulator: ZendeskSimulator;
  let helpdesk: Helpdesk;
  let calls: string[];
  let upcoming: Record<'draft' | 'post', string[]>;
  let ids: string[];
  /** Writes meet a 409 though nothing has changed. */
  let refusing: boolean;

  beforeEach(async () => {
    clock = fakeClock();
    simulator = createZendeskSimulator({ clock, random: seededRandom(5) });
    calls = [];
    refusing = false;
    upcoming = { draft: [], post: [] };
    const send = inProcessFetch(simulator.fetch);
    const deps = testDeps((input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      calls.push(`${init?.method} ${url.pathname.slice('/api/v2'.length)}${url.searchParams.get('ids') ?? ''}`);
      if (init?.method !== 'PUT' || !refusing) return send(input, init);
      return Promise.resolve(Response.json({ error: 'UpdateConflict' }, { status: 409 }));
    }, clock);
    const settings = zendesk.settings.parse({
      ZENDESK_BASE_URL: 'http://127.0.0.1:1',
      ZENDESK_OAUTH_TOKEN: simulator.credentials.oauthToken,
      ZENDESK_WEBHOOK_SECRET: 'webhook-secret-one',
      ZENDESK_REQUESTS_PER_MINUTE: '100000',
      ZENDESK_UPDATES_PER_MINUTE: '100000',
    });
    helpdesk = zendesk.create(settings, { ...deps, upcoming: (stage, limit) => upcoming[stage].slice(0, limit) });
    await helpdesk.probe(never);
    ids = Array.from({ length: 3 }, () => simulator.addTicket({ subject: 'Q', html: 'q' }));
    await clock.advance(10_000);
    calls.length = 0;
  });

  /** What comes of it when a few milliseconds, and no more, have passed. */
  const soon = async <T>(work: Promise<T>): Promise<T> => {
    const settled = work.then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    await clock.advance(20);
    return (await settled)();
  };
  const read = (id: string) => soon(helpdesk.conversation(id, never, 'batch'));
  const look = (seen: Conversation, { ambiguous = false, lane = 'batch' as 'batch' | 'live' } = {}) =>
    soon(
      helpdesk.look(
        {
          ticketId: seen.ticketId,
          marker: NOTE.marker,
          version: seen.version,
          seenMessageId: seen.messages.at(-1)?.id ?? null,
          ambiguous,
          lane,
        },
        never,
      ),
    );
  const post = (ticketId: string, fence: string) =>
    soon(helpdesk.postPrivateNote({ ticketId, note: NOTE, fence, lane: 'batch' }, never));
  /** All drafts made, and the look at the first has taken the others along. */
  const draftAll = async (): Promise<Conversation[]> => {
    const seen: Conversation[] = [];
    for (const id of ids) seen.push(await read(id));
    upcoming.post = ids.slice(1);
    const [first] = seen;
    if (first === undefined) throw new Error('no ticket');
    await look(first);
    calls.length = 0;
    return seen;
  };
  const second = (seen: readonly Conversation[]): Conversation => {
    const [, found] = seen;
    if (found === undefined) throw new Error('no second ticket');
    return found;
  };
  const fenceOf = async (found: ReturnType<typeof look>): Promise<string> => {
    const answer = await found;
    if (answer.kind !== 'clear') throw new Error(answer.kind);
    return answer.fence;
  };

  it('come along in the call for the first, and cost no call of their own', async () => {
    const [one = '', two = '', three = ''] = ids;
    upcoming.draft = [two, three];
    const first = await read(one);
    expect(calls).toEqual([`GET /tickets/show_many.json${one},${two},${three}`, `GET /tickets/${one}/comments.json`]);
    calls.length = 0;
    const others = [await read(two), await read(three)];
    expect(calls).toEqual([`GET /tickets/${two}/comments.json`, `GET /tickets/${three}/comments.json`]);
    expect(others).toEqual([await helpdesk.conversation(two, never), await helpdesk.conversation(three, never)]);
    calls.length = 0;

    upcoming = { draft: [], post: [two, three] };
    await post(one, await fenceOf(look(first)));
    for (const seen of others) await post(seen.ticketId, await fenceOf(look(seen)));
    expect(calls).toEqual([
      `GET /tickets/show_many.json${one},${two},${three}`,
      ...[one, two, three].map((id) => `PUT /tickets/${id}.json`),
    ]);
  });

  it('a call for looks takes no reads along, nor a call for reads looks', async () => {
    const [one = '', two = '', three = ''] = ids;
    upcoming = { draft: [two], post: [three] };
    const seen = await read(one);
    expect(calls[0]).toBe(`GET /tickets/show_many.json${one},${two}`);
    calls.length = 0;
    await look(seen);
    expect(calls).toEqual([`GET /tickets/show_many.json${one},${three}`]);
  });

  it('an agent who answers meanwhile is seen by the fence: 409, nothing written, then a fresh look of its own', async () => {
    const seen = second(await draftAll());
    simulator.agentReply(seen.ticketId, '<p>Here it is.</p>', { public: true });
    const error = await failure(post(seen.ticketId, await fenceOf(look(seen))));
    expect(error.errorClass).toBe('conflict');
    expect(calls).toEqual([`PUT /tickets/${seen.ticketId}.json`]);
    expect(simulator.notes(seen.ticketId)).toEqual([]);
    calls.length = 0;
    // even if the call of another has it in tow again
    upcoming.post = [seen.ticketId];
    await look(await read(ids[2] ?? ''));
    expect(calls.at(-1)).toBe(`GET /tickets/show_many.json${ids[2]},${seen.ticketId}`);
    calls.length = 0;
    expect(await look(seen)).toEqual({ kind: 'answered' });
    expect(calls).toEqual([`GET /tickets/${seen.ticketId}.json`, `GET /tickets/${seen.ticketId}/comments.json`]);
  });

  it('a 409 is followed by a look of its own, whatever the calls of others bring', async () => {
    const seen = second(await draftAll());
    refusing = true;
    await failure(post(seen.ticketId, await fenceOf(look(seen))));
    refusing = false;
    upcoming.post = [seen.ticketId];
    await look(await read(ids[2] ?? ''));
    calls.length = 0;
    await post(seen.ticketId, await fenceOf(look(seen)));
    expect(calls).toEqual([`GET /tickets/${seen.ticketId}.json`, `PUT /tickets/${seen.ticketId}.json`]);
  });

  it.each(['closed', 'replied', 'noted', 'deleted'] as const)(
    'a ticket that is %s meanwhile gets no stale note',
    async (how) => {
      const seen = second(await draftAll());
      const { ticketId } = seen;
      if (how === 'closed') simulator.close(ticketId);
      if (how === 'replied') simulator.customerReply(ticketId, '<p>More.</p>');
      if (how === 'noted') simulator.agentReply(ticketId, '<p>internal</p>', { public: false });
      if (how === 'deleted') simulator.delete(ticketId);
      const { errorClass } = await failure(post(ticketId, await fenceOf(look(seen))));
      expect(how === 'deleted' ? ['gone', 'conflict'] : ['conflict', 'gone', 'invalid_request']).toContain(errorClass);
      const expected = { closed: 'unavailable', replied: 'outdated', noted: 'clear', deleted: 'unavailable' }[how];
      expect((await look(seen).catch(() => ({ kind: 'unavailable' }))).kind).toBe(expected);
    },
  );

  it('what is kept in another version than the draft’s is no verdict: it is looked at alone', async () => {
    const [one = '', two = ''] = ids;
    const first = await read(one);
    const seen = await read(two);
    simulator.customerReply(two, '<p>More.</p>');
    await clock.advance(5000);
    upcoming.post = [two];
    await look(first);
    calls.length = 0;
    expect(await look(seen)).toEqual({ kind: 'outdated' });
    expect(calls).toEqual([`GET /tickets/${two}.json`, `GET /tickets/${two}/comments.json`]);
  });

  it('an ambiguous look trusts nothing that is kept', async () => {
    const seen = second(await draftAll());
    expect((await look(seen, { ambiguous: true })).kind).toBe('clear');
    expect(calls).toEqual([`GET /tickets/${seen.ticketId}.json`, `GET /tickets/${seen.ticketId}/comments.json`]);
  });

  it('a live ticket is looked at now', async () => {
    const seen = second(await draftAll());
    simulator.customerReply(seen.ticketId, '<p>More.</p>');
    expect(await look(seen, { lane: 'live' })).toEqual({ kind: 'outdated' });
  });

  it('a ticket of this very second is not kept: its stamp would hide what still happens in it', async () => {
    const seen = second(await Promise.all(ids.map(read)));
    simulator.agentReply(seen.ticketId, '<p>internal</p>', { public: false });
    const now = await read(seen.ticketId);
    upcoming.post = [seen.ticketId];
    await look(await read(ids[0] ?? ''));
    // within the second of the stamp: neither stamp nor fence tells
    simulator.close(seen.ticketId);
    expect(await look(now)).toEqual({ kind: 'unavailable', reason: 'closed' });
  });

  it('is kept a minute', async () => {
    const seen = second(await draftAll());
    await clock.advance(59_000);
    expect((await look(seen)).kind).toBe('clear');
    expect(calls).toEqual([]);
    const third = await read(ids[2] ?? '');
    upcoming.post = [third.ticketId];
    await look(await read(ids[0] ?? ''));
    await clock.advance(60_000);
    calls.length = 0;
    expect((await look(third)).kind).toBe('clear');
    expect(calls).toEqual([`GET /tickets/show_many.json${third.ticketId}`]);
  });

  it('is used once', async () => {
    const seen = second(await draftAll());
    await look(seen);
    upcoming.post = [];
    await look(seen);
    expect(calls).toEqual([`GET /tickets/show_many.json${seen.ticketId}`]);
  });
});

describe('prefetch', () => {
  const many = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => String(from + index));

  it('fills a call, leaves out what is asked for or kept, and asks again for what has grown old', async () => {
    const clock = fakeClock();
    const prefetch = createPrefetch<string>(clock, 100);
    const ids = many(1000);
    const next = (limit: number): string[] => ids.slice(0, limit);
    const first = prefetch.company(['0'], next);
    expect(first).toEqual(many(99, 1));
    for (const id of first) prefetch.keep(id, id);
    expect(prefetch.company(['0'], next)).toEqual(many(99, 100));
    await clock.advance(60_000);
    expect(prefetch.take('1')).toBeUndefined();
    expect(prefetch.company(['0'], next)).toEqual(many(99, 1));
  });

  it('keeps two hundred at most, the newest', () => {
    const prefetch = createPrefetch<string>(fakeClock(), 100);
    for (const id of many(201)) prefetch.keep(id, id);
    expect(prefetch.take('0')).toBeUndefined();
    expect(prefetch.take('1')).toBe('1');
  });

  it('takes fewer along after an answer that was too large, and more again bit by bit', () => {
    const prefetch = createPrefetch<string>(fakeClock(), 100);
    const sizes = (): number => prefetch.company(['x'], many).length + 1;
    expect(sizes()).toBe(100);
    prefetch.tooMany(100);
    expect([sizes(), sizes()]).toEqual([50, 51]);
    prefetch.tooMany(1);
    expect([sizes(), sizes()]).toEqual([1, 1]);
  });
});
