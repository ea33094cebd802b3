import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TicketDetail } from '../../src/core/ticket.ts';
import { startVirtualWorld, type VirtualOptions, type VirtualWorld } from '../support/virtual-service.ts';

// virtual hours and real processes take their time on a busy machine
vi.setConfig({ testTimeout: 60_000 });

/* The four ambiguous cases of reliability.md §2, the whole service against simulated accounts, in virtual time. */

const MAX_ATTEMPTS = 4;
const TIMEOUT_MS = 15_000;
const QUARANTINE_MS = 60_000;

describe.each(['zendesk', 'freshdesk'] as const)('E11: exactly one note at %s', (name) => {
  let world: VirtualWorld;
  const begin = async (options: VirtualOptions = {}): Promise<void> => {
    world = await startVirtualWorld({
      ...options,
      env: {
        MAX_ATTEMPTS: String(MAX_ATTEMPTS),
        HELPDESK_TIMEOUT_MS: String(TIMEOUT_MS),
        AMBIGUOUS_POST_WAIT_MS: String(QUARANTINE_MS),
        ...options.env,
      },
    });
  };
  beforeEach(() => begin());
  afterEach(() => world[Symbol.asyncDispose]());

  const isWrite = ({ method }: { method: string }): boolean => method === 'PUT' || method === 'POST';
  const simulator = () => world[name];
  const read = (id: string) => world.admin.get<TicketDetail>(`/admin/tickets/${name}/${id}`);
  const ended = (id: string, withinMs?: number) =>
    world.until(async () => ['posted', 'dead', 'skipped'].includes((await read(id)).status), withinMs);
  const alarms = (): string[] => world.observer.events.flatMap((event) => (event.name === 'alarm' ? [event.kind] : []));
  const writes = (id: string): number => noteCalls(id).filter(isWrite).length;
  const noteCalls = (id: string) =>
    world.calls.filter(({ vendor, path }) => vendor === name && path.includes(`/tickets/${id}`));
  /** Each write follows a look at that ticket since the write before. */
  const looksBeforeEachWrite = (id: string): boolean => {
    let looked = false;
    return noteCalls(id).every((call) => {
      const fine = !isWrite(call) || looked;
      looked = !isWrite(call);
      return fine;
    });
  };
  const othersGetThrough = async (hours: number): Promise<void> => {
    for (let n = 0; n < hours * 60; n += 1) {
      await world.open(name);
      await world.pass(60_000, 5_000);
    }
  };

  it('looks before the first write too, and writes once', async () => {
    const id = await world.open(name);
    await ended(id);
    expect(writes(id)).toBe(1);
    // for the draft, and before the note
    expect(noteCalls(id).filter((call) => !isWrite(call)).length).toBeGreaterThanOrEqual(2);
    expect(looksBeforeEachWrite(id)).toBe(true);
    expect(simulator().notes(id)).toMatchObject([{ id: (await read(id)).noteId }]);
  });

  it.each(['lost_answer', 'bad_gateway_after_commit', 'cut'] as const)(
    'case 1, %s: the note is found, not written again',
    async (fault) => {
      simulator().faults.failNext(fault, isWrite);
      const id = await world.open(name);
      await ended(id);
      expect(writes(id)).toBe(1);
      expect(simulator().notes(id)).toMatchObject([{ id: (await read(id)).noteId }]);
    },
  );

  it.each([TIMEOUT_MS + 1_000, name === 'zendesk' ? TIMEOUT_MS + 4_000 : TIMEOUT_MS + QUARANTINE_MS - 1_000])(
    'case 2: a write that lands %i ms after it was sent is not doubled',
    async (lateCommitMs) => {
      await world[Symbol.asyncDispose]();
      await begin({ lateCommitMs });
      simulator().faults.failNext('late_commit', isWrite);
      const id = await world.open(name);
      await world.pass(lateCommitMs + 3 * QUARANTINE_MS);
      expect(simulator().faults.injected).toMatchObject({ late_commit: 1 });
      expect(simulator().notes(id)).toMatchObject([{ id: (await read(id)).noteId }]);
      expect(looksBeforeEachWrite(id)).toBe(true);
    },
  );

  it('case 2: no write and no look before the quarantine is over, and it costs no attempt', async () => {
    simulator().faults.failNext('hang', isWrite);
    const id = await world.open(name);
    await world.until(() => writes(id) === 1);
    const sentAt = world.clock.steady();
    await world.until(() => noteCalls(id).findLastIndex((call) => !isWrite(call)) > noteCalls(id).findIndex(isWrite));
    const waited = world.clock.steady() - sentAt;
    expect(waited).toBeGreaterThanOrEqual(TIMEOUT_MS + (name === 'freshdesk' ? QUARANTINE_MS : 2_000) - 1_000);
    await ended(id);
    const { attempts } = await read(id);
    expect(attempts.filter(({ stage }) => stage === 'post').map(({ outcome }) => outcome)).toEqual(['retry', 'ok']);
    expect(simulator().notes(id)).toHaveLength(1);
    expect(looksBeforeEachWrite(id)).toBe(true);
  });

  it('case 3: what a proxy sends twice is written once by us', async () => {
    simulator().faults.failNext('doubled_request', isWrite);
    const id = await world.open(name);
    await ended(id);
    expect(await read(id)).toMatchObject({ status: 'posted' });
    const notes = simulator().notes(id);
    expect(notes.filter(({ resent }) => !resent)).toHaveLength(1);
    // Zendesk has a fence against it, Freshdesk has none
    expect(notes).toHaveLength(name === 'zendesk' ? 1 : 2);
  });

  it.each(['queued', 'drafted'] as const)('case 4: a backup in which the ticket was %s is restored', async (when) => {
    if (when === 'queued') await world.admin.post('/admin/pause');
    else simulator().faults.failNext({ status: 429, headers: { 'retry-after': '60' } }, isWrite);
    const id = await world.open(name);
    if (when === 'drafted') await world.until(async () => (await read(id)).status === 'retrying');
    await world.stop();
    world.backUp();
    await world.start();
    await world.admin.post('/admin/resume');
    await ended(id);
    const before = await read(id);
    expect(before.status).toBe('posted');
    await world.pass(2 * 3_600_000, 60_000);
    await world.stop();
    world.restore();
    await world.start();
    await world.admin.post('/admin/resume');
    await ended(id);
    expect(await read(id)).toMatchObject({ status: 'posted', noteId: before.noteId });
    expect(simulator().notes(id)).toHaveLength(1);
  });

  it('still unsure after MAX_ATTEMPTS it is dead as ambiguous_post; each write was preceded by a look', async () => {
    const id = await world.open(name);
    const failing = (request: { method: string; path: string }): boolean =>
      isWrite(request) && request.path.includes(`/tickets/${id}`);
    for (let n = 0; n < MAX_ATTEMPTS; n += 1) simulator().faults.failNext('server_error', failing);
    await othersGetThrough(0.2);
    expect(await read(id)).toMatchObject({ status: 'dead', errorClass: 'ambiguous_post' });
    expect(writes(id)).toBe(MAX_ATTEMPTS);
    expect(looksBeforeEachWrite(id)).toBe(true);
    await world.admin.post(`/admin/tickets/${name}/${id}/retry`);
    await ended(id);
    expect(simulator().notes(id)).toHaveLength(1);
  });

  it('nobody can look any more: dead as ambiguous_post after a single write, and the note is found on retry', async () => {
    const id = await world.open(name);
    const about = (request: { method: string; path: string }): boolean => request.path.includes(`/tickets/${id}`);
    simulator().faults.failNext('lost_answer', (request) => isWrite(request) && about(request));
    await world.until(() => writes(id) === 1);
    for (let n = 0; n < MAX_ATTEMPTS; n += 1)
      simulator().faults.failNext('server_error', (request) => !isWrite(request) && about(request));
    await othersGetThrough(0.2);
    expect(await read(id)).toMatchObject({ status: 'dead', errorClass: 'ambiguous_post' });
    expect(writes(id)).toBe(1);
    await world.admin.post(`/admin/tickets/${name}/${id}/retry`);
    await ended(id);
    expect(writes(id)).toBe(1);
    expect(await read(id)).toMatchObject({ status: 'posted', noteId: simulator().notes(id)[0]?.id });
  });

  it('a note that comes back public stops that helpdesk only, sounds the alarm, and is kept by its id', async () => {
    simulator().publishNextNote();
    const id = await world.open(name);
    await ended(id);
    const published = simulator().publicCommentsByBot(id);
    expect(published).toHaveLength(1);
    expect(await read(id)).toMatchObject({ status: 'dead', errorClass: 'posted_public', noteId: published[0]?.id });
    expect(alarms()).toContain('posted_public');
    const other = name === 'zendesk' ? 'freshdesk' : 'zendesk';
    const later = await world.open(name);
    const elsewhere = await world.open(other);
    await world.pass(10 * 60_000, 5_000);
    expect(world[other].notes(elsewhere)).toHaveLength(1);
    expect(writes(later)).toBe(0);
    expect((await read(later)).status).not.toBe('dead');
    const { pauses } = await world.admin.get<{ pauses: { scope: string }[] }>('/admin/progress');
    expect(pauses).toMatchObject([{ scope: name }]);
  });
});
