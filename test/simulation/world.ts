import type { Connection } from '../../src/sqlite/database.ts';
import { makeBatch, TRACEPARENT } from '../support/factories.ts';
import type { Invariants } from './invariants.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import type { Life } from './service.ts';
import { type Entry, type Vendor, type VendorTicket, wallAt } from './vendors.ts';

export interface WorldOptions {
  readonly scheduler: Scheduler;
  readonly connection: Connection;
  readonly vendors: readonly Vendor[];
  readonly invariants: Invariants;
  /** How far the service's wall clock is off, ms. */
  readonly wall: { offset: number };
  readonly disturbances: { count: number; wokeAt: number };
  readonly activeMs: number;
  readonly start: () => Life;
}

/** Who and what happens to the service: customers, agents, operators, crashes, disks, clocks. */
export interface World {
  /** All that was planned has happened. */
  isOver(): boolean;
  readonly counts: Record<string, number>;
}

/** A batch's notes may take so long after it was cancelled, as in pool/control.ts, ms. */
const POSTING_GRACE_MS = 4_000;
/** A vendor gives up on a webhook after so many tries. */
const MAX_DELIVERIES = 8;
/** A vendor waits so long for the answer to a webhook, ms. */
const WEBHOOK_TIMEOUT_MS = 5_000;

export function createWorld(options: WorldOptions): World {
  const { scheduler, connection, vendors, invariants, wall, disturbances, activeMs } = options;
  const { random, now } = scheduler;
  const outside: Actor = { name: 'world', state: 'running' };
  const counts: Record<string, number> = {};
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
  const between = (low: number, high: number): number => Math.round(low + random() * (high - low));
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const later = (ms: number, label: string, run: () => unknown): void =>
    void scheduler.add(outside, now() + ms, label, () => {
      count(label.split(' ')[0] ?? '');
      run();
    });

  let life: Life | null = options.start();
  let restarting = false;
  let over = false;
  const batches: string[] = [];

  /** In the service, from outside it. What the store refuses is told to who asked. */
  const ask = (label: string, act: (life: Life) => Promise<unknown>): void => {
    if (life === null) return;
    const asked = life;
    scheduler.add(asked.actor, now(), label, () => void act(asked).catch(() => undefined));
  };

  const deliver = (vendor: Vendor, ticket: VendorTicket, entry: Entry, tries = 1): void => {
    let answered = false;
    const again = (ms: number): void => {
      if (tries >= MAX_DELIVERIES) return;
      later(ms, `webhook again for ${ticket.id}`, () => {
        if (!answered) deliver(vendor, ticket, entry, tries + 1);
      });
    };
    if (life === null) return again(between(500, 6_000));
    const target = life;
    const sent = vendor.webhook(ticket, entry, wallAt(now()));
    scheduler.add(target.actor, now(), `webhook for ${ticket.id}`, () => {
      const request = { ...sent, receivedAt: target.clock.now() };
      const helpdesk = target.helpdesks.get(vendor.name);
      if (helpdesk === undefined || !helpdesk.authenticate(request)) return;
      const event = helpdesk.parse(request);
      if (event.kind === 'ignored') throw new Error(`a webhook of the simulation is ignored: ${event.reason}`);
      target.outbox.ingest({ helpdesk: vendor.name, event, traceparent: TRACEPARENT }).then(
        (result) => {
          scheduler.note(`${target.actor.name}: webhook for ${ticket.id} is ${result}`);
          if (result === 'full') return;
          answered = true;
          invariants.acknowledged({ vendor, ticket, entry });
        },
        () => scheduler.note(`${target.actor.name}: webhook for ${ticket.id} is refused`),
      );
    });
    again(WEBHOOK_TIMEOUT_MS + between(0, 2_000));
    if (random() < 0.2)
      later(
        between(0, 10_000),
        `webhook twice for ${ticket.id}`,
        () => tries < 3 && deliver(vendor, ticket, entry, MAX_DELIVERIES),
      );
  };

  const crash = (): void => {
    if (life === null) return;
    disturbances.count += 1;
    life.actor.state = 'dead';
    life = null;
    revive(between(0, 5_000));
  };
  const revive = (ms: number): void => {
    restarting = true;
    later(ms, 'start of the service', () => {
      restarting = false;
      // a disk that refuses lets nobody start: the supervisor tries again
      if (connection.pragma('query_only', { simple: true }) === 1) return revive(1_000);
      life ??= options.start();
    });
  };

  const wake = (actor: Actor): void => {
    if (actor.state !== 'frozen') return;
    actor.state = 'running';
    // an answer that waited meanwhile finds its claim void, and what needs no fetching is asked again at once
    disturbances.wokeAt = now();
    later(1, 'is awake', () => {
      disturbances.count += 1;
    });
  };

  const freeze = (): void => {
    if (life === null || life.actor.state !== 'running') return;
    const { actor } = life;
    disturbances.count += 1;
    actor.state = 'frozen';
    later(between(1_000, 18_000), 'thaw', () => wake(actor));
  };

  /** Frozen, taken for dead and replaced; wakes up late, and goes on for a moment. */
  const replaceFrozen = (): void => {
    if (life === null || life.actor.state !== 'running') return;
    const replaced = life;
    const { actor } = replaced;
    disturbances.count += 1;
    actor.state = 'frozen';
    life = null;
    revive(between(0, 3_000));
    later(between(500, 10_000), 'zombie wakes', () => {
      scheduler.dropTimers(actor);
      actor.state = 'running';
      replaced.isReplaced = true;
      later(between(100, 2_000), 'zombie ends', () => {
        actor.state = 'dead';
      });
    });
  };

  const stop = (): void => {
    if (life === null || life.actor.state !== 'running') return;
    const { pool, gate, outbox, actor } = life;
    life = null;
    disturbances.count += 1;
    scheduler.add(actor, now(), 'stops', async () => {
      gate.dispose();
      await pool.stop(between(0, 3_000));
      await outbox.close();
      actor.state = 'dead';
      revive(between(0, 1_000));
    });
    restarting = true;
  };

  const refuseDisk = (): void => {
    disturbances.count += 1;
    connection.pragma('query_only = ON');
    later(between(200, 6_000), 'disk is well', () => void connection.pragma('query_only = OFF'));
  };

  const jumpClock = (): void => {
    wall.offset = pick([-7_200_000, -1_000, -60_000, 1_000, 60_000, 7_200_000, 0, 0]) ?? 0;
  };

  const cancelBatch = (id: string): void => {
    disturbances.count += 1;
    ask(`cancel of ${id}`, async ({ outbox, pool, clock }) => {
      const cancelled = await outbox.cancelBatch(id);
      if (cancelled === null) return;
      pool.abort(cancelled.running);
      if (cancelled.posting.length > 0) clock.after(POSTING_GRACE_MS, () => pool.abort(cancelled.posting));
      await outbox.tendBatches();
    });
  };

  const anyTicket = (): [Vendor, VendorTicket] | undefined => {
    const vendor = pick(vendors);
    const ticket = vendor === undefined ? undefined : pick([...vendor.tickets.values()]);
    return vendor === undefined || ticket === undefined ? undefined : [vendor, ticket];
  };

  const actions: Record<string, () => void> = {
    reply: () => {
      const [vendor, ticket] = anyTicket() ?? [];
      if (vendor === undefined || ticket === undefined || ticket.closed) return;
      const number = ticket.entries.filter(({ author }) => author === 'customer').length + 1;
      const entry = vendor.write(ticket, 'customer', `<p>Message ${number} of ${ticket.id}.</p>`, true);
      later(between(0, 1_500), `webhook of a reply to ${ticket.id}`, () => deliver(vendor, ticket, entry));
    },
    'agent answers': () => {
      const [vendor, ticket] = anyTicket() ?? [];
      if (random() < 0.3 && ticket?.closed === false) vendor?.write(ticket, 'agent', '<p>We looked into it.</p>', true);
    },
    'agent notes': () => {
      const [vendor, ticket] = anyTicket() ?? [];
      if (ticket?.closed === false) vendor?.write(ticket, 'agent', '<p>Seen.</p>', false);
    },
    close: () => {
      const ticket = anyTicket()?.[1];
      if (random() < 0.2 && ticket !== undefined) ticket.closed = true;
    },
    crash,
    freeze,
    'freeze and replace': replaceFrozen,
    stop,
    'disk refuses': refuseDisk,
    'clock jumps': jumpClock,
    pause: () => {
      ask('pause', ({ gate }) => gate.pauseAll());
      later(between(500, 8_000), 'resume', () => ask('resume', ({ gate }) => gate.resumeAll()));
    },
    batch: () => {
      const vendor = pick(vendors);
      if (vendor === undefined) return;
      const ticketIds = [...vendor.tickets.keys()].filter(() => random() < 0.7);
      const canary = random() < 0.3 ? { size: 1, maxErrorRate: 0.5 } : null;
      const post = random() < 0.3 ? 'hold' : 'auto';
      ask('batch', async ({ outbox }) => {
        const batch = makeBatch(ticketIds, { helpdesk: vendor.name, canary, post, skipDrafted: random() < 0.5 });
        batches.push((await outbox.createBatch(batch)).id);
      });
    },
    'batch cancel': () => {
      const id = pick(batches);
      if (id !== undefined) cancelBatch(id);
    },
    'batch resume': () => {
      const id = pick(batches);
      if (id !== undefined) ask('batch resume', ({ outbox }) => outbox.resumeBatch(id));
    },
    'batch pause': () => {
      const id = pick(batches);
      if (id !== undefined) ask('batch pause', ({ outbox }) => outbox.pauseBatch(id, null));
    },
    'batch retry': () => {
      const id = pick(batches);
      disturbances.count += 1;
      if (id !== undefined) ask('batch retry', ({ outbox }) => outbox.retryBatch(id, null));
    },
    'batch release': () => {
      const id = pick(batches);
      if (id !== undefined) ask('batch release', ({ outbox }) => outbox.releaseBatch(id, null));
    },
    retry: () => {
      const [vendor, ticket] = anyTicket() ?? [];
      disturbances.count += 1;
      if (vendor !== undefined && ticket !== undefined)
        ask('retry', ({ outbox }) => outbox.retryTicket(vendor.name, String(ticket.id)));
    },
    'retry dead': () => {
      disturbances.count += 1;
      ask('retry dead', ({ outbox }) => outbox.retryDead({}));
    },
    release: () => {
      const [vendor, ticket] = anyTicket() ?? [];
      if (vendor !== undefined && ticket !== undefined)
        ask('release', ({ outbox }) => outbox.releaseTicket(vendor.name, String(ticket.id)));
    },
  };

  const plan = (): void => {
    for (const vendor of vendors) {
      for (let n = between(1, 4); n > 0; n--) {
        later(between(0, activeMs / 2), `${vendor.name} ticket`, () => {
          const ticket = vendor.open();
          const [first] = ticket.entries;
          // some are known to batches only
          if (first !== undefined && random() < 0.8) deliver(vendor, ticket, first);
        });
      }
    }
    for (let n = between(0, 4); n > 0; n--) later(between(1_000, activeMs), 'reply', () => actions['reply']?.());
    const names = Object.keys(actions).filter(() => random() < 0.6);
    for (let n = names.length === 0 ? 0 : between(0, 20); n > 0; n--) {
      const name = pick(names) ?? 'reply';
      later(between(0, activeMs), name, () => actions[name]?.());
    }
  };

  /** Everything is well from here on, and operators put in order what they have stopped. */
  const calm = (): void => {
    wall.offset = 0;
    connection.pragma('query_only = OFF');
    if (life === null && !restarting) life = options.start();
    if (life !== null) wake(life.actor);
    const putInOrder = (last: boolean): void => {
      ask('puts in order', async ({ gate, outbox }) => {
        await gate.resumeAll();
        for (const id of batches) {
          await outbox.resumeBatch(id);
          await outbox.releaseBatch(id, null);
        }
      });
      if (last) later(1_000, 'the end of the plan', () => (over = true));
    };
    later(6_000, 'calm', () => putInOrder(false));
    later(20_000, 'calm', () => putInOrder(true));
  };

  plan();
  scheduler.add(outside, activeMs, 'calm begins', calm);
  return { isOver: () => over, counts };
}
