import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UpstreamError } from '../../src/core/errors.ts';
import type { Helpdesk, Note, TicketFilter, WebhookRequest } from '../../src/core/helpdesk.ts';
import { failure, never, type TestDeps } from '../helpdesks/deps.ts';

/** What customers, agents and the network do, whatever the vendor. */
export interface HelpdeskWorld {
  readonly helpdesk: Helpdesk;
  readonly deps: TestDeps;
  /** Another adapter for the same account, as after a restart. */
  another(): Helpdesk;
  addTicket(ticket: { subject: string; html: string; tags?: readonly string[]; group?: string }): string;
  solve(ticketId: string): void;
  customerReply(ticketId: string, html: string): string;
  agentReply(ticketId: string, html: string, options: { public: boolean }): string;
  close(ticketId: string): void;
  markSpam(ticketId: string): void;
  delete(ticketId: string): void;
  /** Private notes by our user. */
  notes(ticketId: string): readonly { readonly id: string; readonly html: string }[];
  publicCommentsByBot(ticketId: string): readonly unknown[];
  /** A genuine webhook, as the vendor sends it now. */
  webhook(ticketId: string, event: 'created' | 'customer_reply' | 'private_note'): WebhookRequest;
  /** The next write of ours fails in this way. */
  failNextWrite(
    how: 'lost_answer' | 'server_error' | 'bad_gateway_after_commit' | 'cut' | 'rate_limited' | 'late_commit',
  ): void;
  /** How long after it was sent a `late_commit` lands: later than a client waits, ms. */
  readonly lateCommitMs: number;
  failNextRead(how: 'server_error' | 'rate_limited' | 'reset' | 'cut'): void;
  publishNextNote(): void;
  revokeAccess(): void;
  /** All calls the API has seen. */
  calls(): number;
  stop(): void;
}

const note = (marker: string, text = 'Hello Kim,\nthank you for writing.'): Note => ({
  marker,
  blocks: [
    { kind: 'heading', text: 'AI draft, please check' },
    { kind: 'paragraph', text },
    { kind: 'list', items: ['Which order is it?', 'Is the box <unopened>?'] },
  ],
});

/** The one suite that every helpdesk adapter runs, against a simulated account. */
export function helpdeskContract(name: string, setup: () => HelpdeskWorld): void {
  describe(`helpdesk contract: ${name}`, () => {
    let world: HelpdeskWorld;
    let helpdesk: Helpdesk;
    beforeEach(() => {
      world = setup();
      helpdesk = world.helpdesk;
    });
    afterEach(() => {
      world.stop();
      expect(helpdesk.name).toBe(name);
    });

    const open = (): string => world.addTicket({ subject: 'Where is my parcel?', html: '<p>It is <b>late</b>.</p>' });

    const look = async (ticketId: string, marker: string, options: { ambiguous?: boolean } = {}) => {
      const seen = await helpdesk.conversation(ticketId, never);
      return {
        seen,
        again: (ambiguous = options.ambiguous ?? false) =>
          helpdesk.look(
            {
              ticketId,
              marker,
              version: seen.version,
              seenMessageId: seen.messages.at(-1)?.id ?? null,
              ambiguous,
            },
            never,
          ),
      };
    };

    const post = async (ticketId: string, marker: string): Promise<string> => {
      const found = await (await look(ticketId, marker)).again();
      if (found.kind !== 'clear') throw new Error(`expected a clear look, got ${found.kind}`);
      return (await helpdesk.postPrivateNote({ ticketId, note: note(marker), fence: found.fence }, never)).noteId;
    };

    it('accepts a genuine webhook and refuses any change to it', () => {
      const ticketId = open();
      const genuine = world.webhook(ticketId, 'created');
      expect(helpdesk.authenticate(genuine)).toBe(true);
      expect(helpdesk.authenticate({ ...genuine, headers: new Headers() })).toBe(false);
      for (const header of ['x-zendesk-webhook-signature', 'x-draftdesk-token']) {
        const value = genuine.headers.get(header);
        if (value === null) continue;
        for (const wrong of [value.slice(0, -1), `${value}x`, '', `${value}, ${value}`, value.toLowerCase() + ' ']) {
          const headers = new Headers(genuine.headers);
          headers.set(header, wrong);
          if (headers.get(header) === value) continue;
          expect(helpdesk.authenticate({ ...genuine, headers }), `${header}: ${wrong}`).toBe(false);
        }
      }
    });

    it('reads a new ticket as an event with a key that stays the same when it is sent again', () => {
      const ticketId = open();
      const event = helpdesk.parse(world.webhook(ticketId, 'created'));
      expect(event).toMatchObject({ kind: 'event', ticketId });
      expect(helpdesk.parse(world.webhook(ticketId, 'created'))).toEqual(event);
      const other = helpdesk.parse(world.webhook(open(), 'created'));
      expect(event.kind === 'event' && other.kind === 'event' && event.key !== other.key).toBe(true);
    });

    it('reads a customer reply as an event, and ignores a private note', async () => {
      const ticketId = open();
      await world.deps.clock.advance(60_000);
      world.customerReply(ticketId, '<p>Any news?</p>');
      const created = helpdesk.parse(world.webhook(ticketId, 'created'));
      const reply = helpdesk.parse(world.webhook(ticketId, 'customer_reply'));
      expect(reply).toMatchObject({ kind: 'event', ticketId });
      expect(reply).not.toEqual(created);
      await post(ticketId, 'dd-000000000001');
      expect(helpdesk.parse(world.webhook(ticketId, 'private_note'))).toMatchObject({ kind: 'ignored' });
    });

    it('reads a conversation oldest first, by author, without private notes of agents', async () => {
      const ticketId = open();
      await world.deps.clock.advance(1000);
      world.agentReply(ticketId, '<p>internal: check the courier</p>', { public: false });
      world.agentReply(ticketId, '<p>We are looking into it.</p>', { public: true });
      await world.deps.clock.advance(1000);
      const last = world.customerReply(ticketId, '<p>Any news?</p>');
      const seen = await helpdesk.conversation(ticketId, never);
      expect(seen).toMatchObject({ ticketId, subject: 'Where is my parcel?', unavailable: null, omitted: 0 });
      expect(seen.messages.map(({ author }) => author)).toEqual(['customer', 'agent', 'customer']);
      expect(seen.messages.at(-1)).toMatchObject({ id: last, public: true, verified: true });
      expect(seen.messages[0]?.html).toContain('<b>late</b>');
      expect(JSON.stringify(seen)).not.toContain('courier');
      expect(seen.ownNotes).toEqual([]);
    });

    it('posts one private note, escaped, with the marker as its last line, and finds it again', async () => {
      const ticketId = open();
      const noteId = await post(ticketId, 'dd-abcdefghijkl');
      const [stored, ...others] = world.notes(ticketId);
      expect(others).toEqual([]);
      expect(stored?.id).toBe(noteId);
      expect(stored?.html).toContain('&lt;unopened&gt;');
      expect(stored?.html.trimEnd()).toMatch(/Draftdesk ref dd-abcdefghijkl(<\/\w+>)*$/);
      expect(world.publicCommentsByBot(ticketId)).toEqual([]);
      const seen = await helpdesk.conversation(ticketId, never);
      expect(seen.ownNotes).toEqual([{ noteId, marker: 'dd-abcdefghijkl' }]);
      expect(seen.messages).toHaveLength(1);
    });

    it('does not take an agent who copied the marker for itself', async () => {
      const ticketId = open();
      const { again } = await look(ticketId, 'dd-abcdefghijkl');
      world.agentReply(ticketId, '<p>see Draftdesk ref dd-abcdefghijkl</p>', { public: false });
      await world.deps.clock.advance(5000);
      expect(await again(true)).toMatchObject({ kind: 'clear' });
    });

    it('row 11: a draft for a newer reply leaves no doubt which note is the newest', async () => {
      const ticketId = open();
      const first = await post(ticketId, 'dd-000000000001');
      await world.deps.clock.advance(5000);
      world.customerReply(ticketId, '<p>One more thing.</p>');
      await world.deps.clock.advance(5000);
      const second = await post(ticketId, 'dd-000000000002');
      const { ownNotes } = await helpdesk.conversation(ticketId, never);
      expect(ownNotes.at(-1)).toEqual({ noteId: second, marker: 'dd-000000000002' });
      // where notes can be changed, the stale one is
      const markers = ownNotes.map(({ marker }) => marker);
      expect(markers).toEqual(first === second ? ['dd-000000000002'] : ['dd-000000000001', 'dd-000000000002']);
      expect(world.publicCommentsByBot(ticketId)).toEqual([]);
      const { again } = await look(ticketId, 'dd-000000000002');
      expect(await again(true)).toEqual({ kind: 'posted', noteId: second });
    });

    it('looks: answered, outdated, clear after an internal note', async () => {
      const answered = open();
      const one = await look(answered, 'dd-000000000001');
      await world.deps.clock.advance(1000);
      world.agentReply(answered, '<p>Here it is.</p>', { public: true });
      expect(await one.again()).toEqual({ kind: 'answered' });
      expect(await one.again(true)).toEqual({ kind: 'answered' });

      const outdated = open();
      const two = await look(outdated, 'dd-000000000002');
      await world.deps.clock.advance(1000);
      world.customerReply(outdated, '<p>Never mind.</p>');
      expect(await two.again()).toEqual({ kind: 'outdated' });

      const quiet = open();
      const three = await look(quiet, 'dd-000000000003');
      await world.deps.clock.advance(1000);
      world.agentReply(quiet, '<p>calling the courier</p>', { public: false });
      expect(await three.again()).toMatchObject({ kind: 'clear' });
    });

    it('row 17: closed, spam and deleted tickets are reasons, at both looks', async () => {
      const closed = open();
      const spam = open();
      const deleted = open();
      const looks = await Promise.all([closed, spam, deleted].map((id) => look(id, 'dd-000000000001')));
      world.close(closed);
      world.markSpam(spam);
      world.delete(deleted);
      const found = await Promise.all(looks.map(({ again }) => again()));
      expect(found.every(({ kind }) => kind === 'unavailable')).toBe(true);
      expect(found[0]).toEqual({ kind: 'unavailable', reason: 'closed' });
      expect((await helpdesk.conversation(closed, never)).unavailable).toBe('closed');
      const gone = await helpdesk.conversation(deleted, never).then(
        ({ unavailable }) => unavailable,
        (error: unknown) => (error instanceof Error && 'reason' in error ? error.reason : null),
      );
      expect(['deleted', 'not_found']).toContain(gone);
    });

    it('row 17: a ticket that never was is gone, and odd ids never reach a path', async () => {
      const before = world.calls();
      for (const odd of ['../5', '0', '1e3', '5;drop', '9007199254740993', '']) {
        const error = await failure(helpdesk.conversation(odd, never));
        expect(error).toMatchObject({ errorClass: 'gone', reason: 'not_found' });
      }
      expect(world.calls()).toBe(before);
      const error = await failure(helpdesk.conversation('4711471147', never));
      expect(error).toMatchObject({ errorClass: 'gone', reason: 'not_found', upstream: name });
    });

    it.each(['lost_answer', 'bad_gateway_after_commit', 'cut', 'server_error'] as const)(
      'a write with %s is ambiguous, and the next look knows whether it landed',
      async (how) => {
        const ticketId = open();
        const { seen, again } = await look(ticketId, 'dd-abcdefghijkl');
        const found = await again();
        if (found.kind !== 'clear') throw new Error(found.kind);
        world.failNextWrite(how);
        const request = { ticketId, note: note('dd-abcdefghijkl'), fence: found.fence };
        const error = await failure(helpdesk.postPrivateNote(request, never));
        expect(error.errorClass).toBe('ambiguous_post');
        expect(helpdesk.ambiguousWaitMs).toBeGreaterThanOrEqual(2000);
        await world.deps.clock.advance(helpdesk.ambiguousWaitMs);
        const landed = world.notes(ticketId);
        const second = await again(true);
        expect(second.kind).toBe(landed.length === 0 ? 'clear' : 'posted');
        if (second.kind === 'posted') expect(second.noteId).toBe(landed[0]?.id);
        else if (second.kind === 'clear') await helpdesk.postPrivateNote({ ...request, fence: second.fence }, never);
        expect(world.notes(ticketId)).toHaveLength(1);
        expect(seen.ownNotes).toEqual([]);
      },
    );

    it('row 10, 11: a write that lands after we gave up on it is not doubled', async () => {
      const ticketId = open();
      await world.deps.clock.advance(5000);
      const { again } = await look(ticketId, 'dd-abcdefghijkl');
      const found = await again();
      if (found.kind !== 'clear') throw new Error(found.kind);
      world.failNextWrite('late_commit');
      const request = { ticketId, note: note('dd-abcdefghijkl'), fence: found.fence };
      const lost = failure(helpdesk.postPrivateNote(request, never));
      await world.deps.clock.advance(world.deps.timeoutMs);
      expect((await lost).errorClass).toBe('ambiguous_post');
      expect(world.notes(ticketId)).toEqual([]);
      await world.deps.clock.advance(helpdesk.ambiguousWaitMs);
      const early = await again(true);
      if (early.kind === 'clear') {
        // only a fence can help who looked too early
        await world.deps.clock.advance(world.lateCommitMs);
        const refused = await failure(helpdesk.postPrivateNote({ ...request, fence: early.fence }, never));
        expect(refused.errorClass).toBe('conflict');
      }
      expect((await again(true)).kind).toBe('posted');
      expect(world.notes(ticketId)).toHaveLength(1);
    });

    it('row 8: a note that comes back public stops all posting and sounds the alarm', async () => {
      const ticketId = open();
      const other = open();
      world.publishNextNote();
      const published = await failure(post(ticketId, 'dd-000000000001'));
      expect(published.errorClass).toBe('posted_public');
      expect(world.publicCommentsByBot(ticketId)).toMatchObject([{ id: published.noteId }]);
      expect(world.deps.alarms).toEqual(['posted_public']);
      const found = await (await look(other, 'dd-000000000002')).again();
      expect(found.kind).toBe('clear');
      const calls = world.calls();
      const request = { ticketId: other, note: note('dd-000000000002'), fence: '' };
      expect((await failure(helpdesk.postPrivateNote(request, never))).errorClass).toBe('posting_stopped');
      expect(world.calls()).toBe(calls);
    });

    it('a 429 is rate_limited with the wait, pauses the budget, and is not ambiguous', async () => {
      const ticketId = open();
      const found = await (await look(ticketId, 'dd-000000000001')).again();
      if (found.kind !== 'clear') throw new Error(found.kind);
      expect(helpdesk.room()).toBeGreaterThan(0);
      expect(helpdesk.limits().pausedUntil).toBeNull();
      world.failNextWrite('rate_limited');
      const request = { ticketId, note: note('dd-000000000001'), fence: found.fence };
      const error = await failure(helpdesk.postPrivateNote(request, never));
      expect(error).toMatchObject({ errorClass: 'rate_limited', status: 429 });
      expect(error.retryAfterMs).toBeGreaterThan(0);
      expect(helpdesk.room()).toBe(0);
      expect(helpdesk.limits().pausedUntil).not.toBeNull();
      expect(world.notes(ticketId)).toEqual([]);
      let done = false;
      const waiting = helpdesk.postPrivateNote(request, never).then(() => {
        done = true;
      });
      await world.deps.clock.advance((error.retryAfterMs ?? 0) - 1);
      expect(done).toBe(false);
      await world.deps.clock.advance(1000);
      await waiting;
      expect(world.notes(ticketId)).toHaveLength(1);
    });

    it.each([
      ['server_error', ['server_error', 'overloaded']],
      ['reset', ['connection']],
      ['cut', ['response_truncated', 'invalid_response']],
      ['rate_limited', ['rate_limited']],
    ] as const)('a read with %s keeps its class', async (how, classes) => {
      const ticketId = open();
      world.failNextRead(how);
      const error = await failure(helpdesk.conversation(ticketId, never));
      expect(classes).toContain(error.errorClass);
      expect(error.message).not.toContain('<html');
    });

    it('stops when told, before and during a call', async () => {
      const ticketId = open();
      const stopped = AbortSignal.abort();
      const before = world.calls();
      expect((await failure(helpdesk.conversation(ticketId, stopped))).errorClass).toBe('cancelled');
      const found = await (await look(ticketId, 'dd-000000000001')).again();
      if (found.kind !== 'clear') throw new Error(found.kind);
      const request = { ticketId, note: note('dd-000000000001'), fence: found.fence };
      expect((await failure(helpdesk.postPrivateNote(request, stopped))).errorClass).toBe('cancelled');
      expect(world.notes(ticketId)).toEqual([]);
      expect(world.calls()).toBeGreaterThan(before);
    });

    it('sends no note that is no longer ours when its turn has come', async () => {
      const ticketId = open();
      const found = await (await look(ticketId, 'dd-000000000001')).again();
      if (found.kind !== 'clear') throw new Error(found.kind);
      const request = { ticketId, note: note('dd-000000000001'), fence: found.fence };
      const error = await failure(helpdesk.postPrivateNote({ ...request, mayStart: () => false }, never));
      expect(error.errorClass).toBe('cancelled');
      expect(world.notes(ticketId)).toEqual([]);
      await helpdesk.postPrivateNote({ ...request, mayStart: () => true }, never);
      expect(world.notes(ticketId)).toHaveLength(1);
    });

    it('knows where an agent sees a ticket', () => {
      expect(helpdesk.ticketUrl?.('5158')).toMatch(/^https?:\/\/[^?#]+\/5158$/);
    });

    it('probes the credentials', async () => {
      await expect(helpdesk.probe(never)).resolves.toBeUndefined();
      world.revokeAccess();
      expect((await failure(helpdesk.probe(never))).errorClass).toBe('auth');
    });

    it('lists what has changed since, page by page', async () => {
      const old = open();
      await world.deps.clock.advance(3_600_000);
      const since = world.deps.clock.now();
      const fresh = Array.from({ length: 130 }, open);
      const listed: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await helpdesk.listTickets({ updatedSince: since }, cursor, never);
        listed.push(...page.tickets.map(({ ticketId }) => ticketId));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(new Set(listed)).toEqual(new Set(fresh));
      expect(listed).not.toContain(old);
    });

    it('lists by filter, and goes on at a stored cursor after a restart, also days later', async () => {
      const wanted: string[] = [];
      for (let index = 0; index < 600; index++) {
        if (index % 5 === 0) await world.deps.clock.advance(1000);
        const tags = index % 3 === 0 ? ['vip', 'eu:west', 'other'] : ['vip'];
        const ticketId = world.addTicket({ subject: 'Q', html: 'q', tags, group: index % 2 === 0 ? '77' : '78' });
        if (index % 12 === 0) world.solve(ticketId);
        else if (index % 6 === 0) wanted.push(ticketId);
      }
      const filter = {
        status: ['open', 'new'].slice(0, name === 'zendesk' ? 2 : 1),
        tags: ['eu:west', 'vip'],
        group: '77',
      };
      const listed: string[] = [];
      let reader = helpdesk;
      let cursor: string | null = null;
      let pages = 0;
      do {
        const page = await reader.listTickets(filter, cursor, never);
        listed.push(...page.tickets.map(({ ticketId }) => ticketId));
        expect(page.tickets.every(({ open: isOpen }) => isOpen)).toBe(true);
        cursor = page.nextCursor;
        // hours pass, the process starts anew, a ticket changes under the walk
        await world.deps.clock.advance(2 * 3_600_000);
        reader = world.another();
        world.agentReply(wanted.at(pages) ?? '', '<p>on it</p>', { public: false });
        pages += 1;
      } while (cursor !== null);
      expect(pages).toBeGreaterThan(1);
      expect(new Set(listed)).toEqual(new Set(wanted));
    });

    it('lists by time of creation and of change, since included, until excluded', async () => {
      const base = Math.floor(world.deps.clock.now() / 1000) * 1000;
      const ids: string[] = [];
      for (let index = 0; index < 4; index++) {
        ids.push(open());
        await world.deps.clock.advance(1000);
      }
      await world.deps.clock.advance(300_000);
      const found = async (filter: TicketFilter) =>
        (await helpdesk.listTickets(filter, null, never)).tickets.map(({ ticketId }) => ticketId).toSorted();
      expect(await found({ createdSince: base + 1000, createdUntil: base + 3000 })).toEqual(ids.slice(1, 3));
      expect(await found({ updatedSince: base + 2000, updatedUntil: base + 3000 })).toEqual(ids.slice(2, 3));
      expect(await found({})).toEqual(ids);
      world.solve(ids[0] ?? '');
      await world.deps.clock.advance(300_000);
      const all = (await helpdesk.listTickets({}, null, never)).tickets;
      expect(all.filter((ticket) => !ticket.open).map(({ ticketId }) => ticketId)).toEqual(ids.slice(0, 1));
    });

    it.each([
      ['status', { status: ['opn'] }],
      ['group', { group: 'Level 2' }],
      ['group', { group: '7 OR status:closed' }],
      ['tags', { tags: [''] }],
    ])('a filter it cannot mean names the field "%s" before anything is fetched', async (field, filter) => {
      const before = world.calls();
      const error = await failure(helpdesk.listTickets(filter, null, never));
      expect(error.errorClass).toBe('invalid_request');
      expect(error.message).toContain(`"${field}"`);
      expect((await failure(helpdesk.listTickets({}, 'no cursor', never))).errorClass).toBe('invalid_request');
      expect(world.calls()).toBe(before);
    });

    it('tells what a ticket takes of each limit', async () => {
      await helpdesk.probe(never);
      const demand = helpdesk.demand();
      expect(demand.length).toBeGreaterThan(0);
      for (const { limit, perMinute, perTicket, perNote } of demand) {
        expect(limit.startsWith(`${name}.`)).toBe(true);
        expect(perMinute).toBeGreaterThan(0);
        expect(perTicket).toBeGreaterThan(0);
        expect(perNote).toBeGreaterThan(0);
        expect(perNote).toBeLessThanOrEqual(perTicket);
      }
    });

    it('reads in the batch lane what it reads alone, also when one of many is gone', async () => {
      const ids = Array.from({ length: 130 }, open);
      await world.deps.clock.advance(5000);
      const [gone = '', closed = '', ...rest] = ids;
      world.customerReply(rest[0] ?? '', '<p>More.</p>');
      world.close(closed);
      world.delete(gone);
      const settle = async (lane: 'live' | 'batch') => {
        const all = Promise.allSettled(
          [...ids, ...ids.slice(5, 10)].map((id) => helpdesk.conversation(id, never, lane)),
        );
        await world.deps.clock.advance(1000);
        return (await all).map((result) =>
          result.status === 'fulfilled' ? result.value : [String(result.reason), result.reason.reason],
        );
      };
      const live = await settle('live');
      expect(await settle('batch')).toEqual(live);

      const [id = ''] = rest;
      const seen = await helpdesk.conversation(id, never);
      const request = {
        ticketId: id,
        marker: 'dd-000000000001',
        version: seen.version,
        seenMessageId: seen.messages.at(-1)?.id ?? null,
        ambiguous: false,
      };
      const joint = helpdesk.look({ ...request, lane: 'batch' }, never);
      await world.deps.clock.advance(1000);
      const found = await joint;
      expect(found).toEqual(await helpdesk.look(request, never));
      if (found.kind !== 'clear') throw new Error(found.kind);
      world.customerReply(id, '<p>And more.</p>');
      const late = helpdesk.look({ ...request, lane: 'batch' }, never);
      await world.deps.clock.advance(1000);
      expect(await late).toEqual({ kind: 'outdated' });
    });

    it('who stops waiting in a batch leaves the others their answer', async () => {
      const ids = Array.from({ length: 3 }, open);
      const controllers = ids.map(() => new AbortController());
      const all = ids.map((id, index) =>
        helpdesk.conversation(id, controllers[index]?.signal ?? never, 'batch').then(
          () => 'read',
          (error: unknown) => (error instanceof UpstreamError ? error.errorClass : 'other'),
        ),
      );
      controllers[1]?.abort();
      expect(await all[1]).toBe('cancelled');
      await world.deps.clock.advance(1000);
      expect(await Promise.all(all)).toEqual(['read', 'cancelled', 'read']);
    });

    it('a joint call that fails is each ticket’s own error', async () => {
      const ids = Array.from({ length: 3 }, open);
      for (let index = 0; index < (name === 'zendesk' ? 1 : 3); index++) world.failNextRead('server_error');
      const all = Promise.all(ids.map((id) => failure(helpdesk.conversation(id, never, 'batch'))));
      await world.deps.clock.advance(1000);
      const errors = await all;
      expect(new Set(errors.map(({ status }) => (status ?? 0) >= 500))).toEqual(new Set([true]));
      expect(new Set(errors).size).toBe(3);
    });

    it('counts what it has used in the last minute', async () => {
      await helpdesk.conversation(open(), never);
      expect(helpdesk.limits().usedRequests).toBeGreaterThan(0);
      await world.deps.clock.advance(61_000);
      expect(helpdesk.limits().usedRequests).toBe(0);
    });
  });
}
