import { seededRandom } from '../../src/core/clock.ts';
import type { HelpdeskSimulator } from '../../src/sandbox/helpdesk-simulator.ts';
import { adminClient, type Vendors } from '../support/harness.ts';

/** What was acknowledged, and what became of it where it counts: at the simulated helpdesks. */
export interface Ledger {
  /** Tickets of which at least one webhook was answered with 202, as `zendesk 17`. */
  readonly acknowledged: ReadonlySet<string>;
  /** Acknowledged tickets that have no note yet. */
  open(): number;
  verdict(): Verdict;
}

export interface Verdict {
  readonly acknowledged: number;
  /** Acknowledged tickets without a note. */
  readonly without: readonly string[];
  /** Tickets with more than one. */
  readonly doubled: readonly string[];
  /** Public comments of ours. */
  readonly public: number;
}

export interface Feeder {
  readonly ledger: Ledger;
  /** Where webhooks go from now on; null: nobody is there. */
  aim(url: string | null): void;
  /** How many unanswered tickets the customers keep up. */
  pressure(tickets: number): void;
  /** No new tickets; resolves when every webhook of those there are is acknowledged. */
  finish(): Promise<void>;
  /** Gives up. */
  stop(): void;
}

const SENDERS = 6;
const AGAIN_MS = 15;

/** Customers who write all the time, and vendors that send each webhook until it is acknowledged. */
export function startFeeder(vendors: Vendors, { seed }: { readonly seed: number }): Feeder {
  const random = seededRandom(seed);
  const desks: readonly HelpdeskSimulator[] = [vendors.zendesk, vendors.freshdesk];
  const acknowledged = new Set<string>();
  const settled = new Set<string>();
  let target: string | null = null;
  let goal = 30;
  let made = 0;
  let finishing = false;
  let stopped = false;

  const open = (): number => {
    for (const name of acknowledged) if (!settled.has(name) && notesOf(name) > 0) settled.add(name);
    return acknowledged.size - settled.size;
  };
  const notesOf = (name: string): number => {
    const [desk, id = ''] = name.split(' ');
    return desks.find((one) => one.name === desk)?.notes(id).length ?? 0;
  };

  const deliver = async (desk: HelpdeskSimulator, id: string): Promise<void> => {
    for (const call of desk.creationWebhooks(id)) {
      while (!stopped) {
        const status = target === null ? 0 : await send(target, desk.name, call);
        if (status === 202) acknowledged.add(`${desk.name} ${id}`);
        // the time stamp stays good for minutes; what is not acknowledged comes again
        if (status === 202) break;
        await sleep(AGAIN_MS);
      }
    }
  };
  const customer = async (): Promise<void> => {
    while (!finishing) {
      if (target === null || open() >= goal) {
        await sleep(AGAIN_MS);
        continue;
      }
      made += 1;
      const desk = desks[random() < 0.5 ? 0 : 1] ?? vendors.zendesk;
      await deliver(desk, desk.addTicket({ subject: `Question ${made}`, html: `<p>Where is parcel ${made}?</p>` }));
    }
  };
  const customers = Promise.all(Array.from({ length: SENDERS }, customer));

  return {
    aim: (url) => (target = url),
    pressure: (tickets) => (goal = tickets),
    finish: async () => {
      finishing = true;
      await customers;
    },
    stop: () => {
      finishing = true;
      stopped = true;
    },
    ledger: {
      acknowledged,
      open,
      verdict: () => ({
        acknowledged: acknowledged.size,
        without: [...acknowledged].filter((name) => notesOf(name) === 0),
        doubled: desks.flatMap((desk) =>
          desk
            .ticketIds()
            .filter((id) => desk.notes(id).length > 1)
            .map((id) => `${desk.name} ${id}`),
        ),
        public: desks.reduce((sum, desk) => sum + desk.stats().publicComments, 0),
      }),
    },
  };
}

/** 0 where nobody answered. */
async function send(url: string, helpdesk: string, call: Parameters<ReturnType<typeof adminClient>['webhook']>[1]) {
  return adminClient(url)
    .webhook(helpdesk, call)
    .then(
      ({ status }) => status,
      () => 0,
    );
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
