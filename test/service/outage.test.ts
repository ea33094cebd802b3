import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Progress } from '../../src/core/service-control.ts';
import { startVirtualWorld, type VirtualWorld } from '../support/virtual-service.ts';

// virtual hours and real processes take their time on a busy machine
vi.setConfig({ testTimeout: 60_000 });

/* Two hours without a vendor, the whole service in virtual time. */

const HOURS = 2;

describe.each(['zendesk', 'freshdesk'] as const)('an account of %s that forbids everything', (vendor) => {
  let world: VirtualWorld;
  beforeEach(async () => {
    world = await startVirtualWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it('makes its tickets wait, kills none, is said, and ends by itself', async () => {
    const ids = await Promise.all(Array.from({ length: 15 }, () => world.open(vendor)));
    await world.pass(2_000);
    world.refusing.add(vendor);
    for (let n = 0; n < 5; n += 1) ids.push(await world.open(vendor));
    for (let n = 0; n < HOURS * 60; n += 1) await world.pass(60_000, 5_000);
    const during = await world.admin.get<Progress>('/admin/progress');
    expect(during.counts.dead).toBe(0);
    expect(during.pauses).toMatchObject([
      { scope: vendor, reason: expect.stringMatching(/403.*No ticket gets through/) },
    ]);
    const ready = await world.admin.get<{ status: string; checks: Record<string, string> }>('/readyz');
    expect(ready.checks[vendor]).toMatch(/No ticket gets through/);
    world.refusing.delete(vendor);
    await world.until(async () => (await world.admin.statuses()).posted === ids.length);
    expect(ids.map((id) => world[vendor].notes(id).length)).toEqual(ids.map(() => 1));
    expect((await world.admin.get<Progress>('/admin/progress')).pauses).toEqual([]);
  }, 120_000);
});

describe.each(['zendesk', 'freshdesk', 'llm'] as const)('an outage of %s', (vendor) => {
  let world: VirtualWorld;
  beforeEach(async () => {
    world = await startVirtualWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it('makes its tickets wait, kills none, is said, and ends by itself', async () => {
    const ids = { zendesk: [] as string[], freshdesk: [] as string[] };
    const openBoth = async (): Promise<void> => {
      ids.zendesk.push(await world.open('zendesk'));
      ids.freshdesk.push(await world.open('freshdesk'));
    };
    const progress = () => world.admin.get<Progress>('/admin/progress');
    for (let n = 0; n < 15; n += 1) await openBoth();
    world.down.add(vendor);
    for (let n = 0; n < HOURS * 60; n += 1) {
      if (n % 20 === 0) await openBoth();
      await world.pass(60_000, 5_000);
    }
    const during = await progress();
    expect(during.counts.dead).toBe(0);
    expect(during.pauses).toMatchObject([
      { scope: vendor, reason: expect.stringMatching(/tries in a row have failed/) },
    ]);
    const ready = await world.admin.get<{ status: string; checks: Record<string, string> }>('/readyz');
    expect(ready.status).toBe('degraded');
    expect(ready.checks[vendor]).toMatch(/tries in a row have failed/);
    const unhurt = (['zendesk', 'freshdesk'] as const).filter((name) => name !== vendor && vendor !== 'llm');
    for (const name of unhurt) expect(ids[name].flatMap((id) => world[name].notes(id))).toHaveLength(ids[name].length);
    // a probe a minute, and hardly more
    expect(world.calls.filter((call) => call.vendor === vendor).length).toBeLessThan(HOURS * 60 * 2 + 100);
    world.down.delete(vendor);
    await world.until(async () => {
      const { counts, total } = await progress();
      return counts.posted === total;
    });
    for (const name of ['zendesk', 'freshdesk'] as const) {
      expect(ids[name].map((id) => world[name].notes(id).length)).toEqual(ids[name].map(() => 1));
    }
    expect((await progress()).pauses).toEqual([]);
  }, 120_000);
});
