import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isFinal, type TicketStatus } from '../../src/core/ticket.ts';
import type { Progress } from '../../src/core/service-control.ts';
import { adminClient, PATIENT, startVendors } from '../support/harness.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { startVirtualWorld, type VirtualWorld } from '../support/virtual-service.ts';

// virtual hours and real processes take their time on a busy machine
vi.setConfig({ testTimeout: 60_000 });

/* Promise 14: clocks may jump. */

const HOUR_MS = 3_600_000;
const TICKETS = 250;

let world: VirtualWorld;
afterEach(() => world?.[Symbol.asyncDispose]());

/** Tries that began sooner after the one before than 90 % of the wait that was set. */
function tooEarly({ tries }: VirtualWorld): unknown[] {
  const dueAt = new Map<string, { from: number; delayMs: number }>();
  return tries.filter(({ ticket, at, durationMs, delayMs }) => {
    const key = `${ticket.helpdesk} ${ticket.ticketId}`;
    const due = dueAt.get(key);
    dueAt.delete(key);
    if (delayMs !== null) dueAt.set(key, { from: at, delayMs });
    return due !== undefined && at - durationMs < due.from + 0.9 * due.delayMs - 1;
  });
}

describe.each([
  ['two hours forward', 3, 2 * HOUR_MS],
  ['two hours back', 3, -2 * HOUR_MS],
  ['a second back, a hundred times', 100, -1_000],
  ['a second forward, a hundred times', 100, 1_000],
  ['two hours forward and back', 20, null],
] as const)('the clock leaps %s in a drain', (_what, times, leapMs) => {
  it('nothing is lost, doubled, tried early or stuck', async () => {
    world = await startVirtualWorld({
      faults: 'heavy',
      lateCommitMs: 5_000,
      env: {
        MAX_ATTEMPTS: '15',
        HELPDESK_TIMEOUT_MS: '4000',
        AMBIGUOUS_POST_WAIT_MS: '6000',
        WORKER_CONCURRENCY: '40',
      },
    });
    const ids: { name: 'zendesk' | 'freshdesk'; id: string }[] = [];
    for (let n = 0; n < TICKETS; n += 1) {
      const name = n % 2 === 0 ? 'zendesk' : 'freshdesk';
      ids.push({ name, id: await world.open(name) });
    }
    for (let n = 0; n < times; n += 1) {
      await world.pass(times > 50 ? 500 : 3_000);
      world.jump(leapMs ?? (n % 2 === 0 ? 2 : -2) * HOUR_MS);
    }
    const counts = async () => (await world.admin.get<Progress>('/admin/progress')).counts;
    const open = async (): Promise<number> =>
      Object.entries(await counts()).reduce((sum, [status, n]) => (isFinal(status as TicketStatus) ? sum : sum + n), 0);
    await world.until(async () => (await open()) === 0, 10 * 60_000);
    expect(await counts()).toMatchObject({ posted: TICKETS });
    expect(ids.filter(({ name, id }) => world[name].notes(id).length !== 1)).toEqual([]);
    expect(ids.flatMap(({ name, id }) => world[name].publicCommentsByBot(id))).toEqual([]);
    expect(world.tries.filter(({ delayMs }) => delayMs !== null).length).toBeGreaterThan(TICKETS / 5);
    expect(tooEarly(world)).toEqual([]);
  }, 60_000);
});

it('a clock that is off answers genuine webhooks 401, tells it once a minute, and takes them when it is right', async () => {
  world = await startVirtualWorld();
  const skews = (): number =>
    world.observer.events.filter((event) => event.name === 'alarm' && event.kind === 'clock_skew').length;
  world.jump(301_000);
  for (let second = 0; second < 180; second += 1) {
    await expect(world.open('zendesk')).rejects.toThrow('401');
    await world.pass(1_000, 1_000);
  }
  expect(skews()).toBe(3);
  world.jump(-2_000);
  const id = await world.open('zendesk');
  await world.until(() => world.zendesk.notes(id).length === 1);
});

const FAKETIME = ['/usr/lib', '/usr/local/lib']
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => readdirSync(folder).map((entry) => join(folder, entry)))
  .flatMap((folder) => [folder, join(folder, 'faketime')])
  .map((folder) => join(folder, 'libfaketime.so.1'))
  .find((path) => existsSync(path));

describe('the real process, with libfaketime', () => {
  it.skipIf(FAKETIME === undefined)(
    'drains while its clock is set forward and back by two hours',
    async () => {
      await using vendors = await startVendors({ latencyMs: 100 });
      const stampFile = join(vendors.folder, 'faketime');
      const set = (offset: string): void => writeFileSync(stampFile, offset);
      set('+0');
      const preload = {
        LD_PRELOAD: FAKETIME ?? '',
        FAKETIME_TIMESTAMP_FILE: stampFile,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      const service = startServiceProcess(
        { ...vendors.env, ...PATIENT, LOG_LEVEL: 'info', ...preload },
        { cwd: vendors.folder },
      );
      try {
        const admin = adminClient(await service.listening());
        const ids = Array.from({ length: 200 }, (_, n) =>
          vendors.zendesk.addTicket({ subject: `Question ${n}`, html: '<p>Where is my parcel, please?</p>' }),
        );
        await Promise.all(ids.map((id) => admin.webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'))));
        for (const [n, offset] of ['+2h', '-2h', '+1', '-1', '+2h', '+0'].entries()) {
          await admin.until(({ posted, skipped }) => posted + skipped >= 30 * n);
          set(offset);
        }
        await admin.until(({ posted }) => posted === ids.length);
        expect(ids.filter((id) => vendors.zendesk.notes(id).length !== 1)).toEqual([]);
        // the clock was indeed another
        const hours = new Set(service.lines.map((line) => (JSON.parse(line) as { time: string }).time.slice(0, 13)));
        expect(hours.size).toBeGreaterThanOrEqual(2);
        service.child.kill('SIGTERM');
        expect(await service.exited).toEqual([0, null]);
      } finally {
        await service.kill();
      }
    },
    60_000,
  );
});
