import { seededRandom } from '../../src/core/clock.ts';
import type { Observer } from '../../src/core/observer.ts';
import type { StatusCounts } from '../../src/core/ticket-reader.ts';
import { fakeClock } from './fake-clock.ts';
import { zeroCounts } from './fakes.ts';

const STEP_SECONDS = 0.1;

/** How a batch goes. Rates are a minute, times seconds from its start. */
export interface Shape {
  readonly tickets: number;
  readonly post?: 'auto' | 'hold';
  /** Drafts that the model makes. */
  readonly draftsPerMinute: (second: number) => number;
  /** Drafts made at once at the start. */
  readonly burst?: number;
  readonly helpdesk?: { readonly requestsPerMinute: number; readonly updatesPerMinute: number };
  /** The helpdesk takes a minute's notes at once, then none until the next. */
  readonly window?: true;
  /** A ticket has come back after so many seconds, with this chance, once. */
  readonly retries?: { readonly chance: number; readonly seconds: readonly [low: number, high: number] };
  readonly skipChance?: number;
  /** Nothing moves from … to …, by an operator. */
  readonly pause?: readonly [from: number, to: number];
}

export interface Look {
  readonly second: number;
  /** Share of the tickets that are over. */
  readonly done: number;
  readonly eta: number | null;
  /** What it was in truth, without the pause: nobody can foresee one. */
  readonly left: number;
}

const TICKET = { helpdesk: 'zendesk', ticketId: '1', traceparent: '' };
const BATCH = 'b1';

/** Counts and events of a batch in virtual time, as the pool tells them; looked at whenever a ticket is over. */
export function simulateBatch(
  shape: Shape,
  connect: (clock: ReturnType<typeof fakeClock>) => {
    observer: Observer;
    eta: (counts: StatusCounts) => number | null;
  },
): readonly Look[] {
  const { tickets, post = 'auto', helpdesk, retries, skipChance = 0, pause } = shape;
  let second = 0;
  const clock = { ...fakeClock(0), steady: () => second * 1000, now: () => second * 1000 };
  const { observer, eta } = connect(clock);
  const random = seededRandom(7);
  const counts: { -readonly [Status in keyof StatusCounts]: number } = { ...zeroCounts(), queued: tickets };
  const waiting: number[] = [];
  const looks: (Omit<Look, 'left'> & { readonly going: number })[] = [];
  let turn = 0;
  /** Seconds without the pause. */
  let going = 0;
  const room = { drafts: shape.burst ?? 0, updates: 0, requests: 0 };
  const tell = (stage: 'draft' | 'post', delaySeconds: number | null): void =>
    observer.attempt({
      ticket: TICKET,
      batchId: BATCH,
      stage,
      number: 1,
      outcome: delaySeconds === null ? 'ok' : 'retry',
      errorClass: null,
      status: null,
      durationMs: 1,
      delayMs: delaySeconds === null ? null : delaySeconds * 1000,
    });
  const finish = (status: 'posted' | 'skipped' | 'drafted'): void => {
    counts[status] += 1;
    observer.ticketFinished({ ticket: TICKET, batchId: BATCH, status, reason: null, totalMs: 1 });
  };
  const write = (): void => {
    room.updates -= 1;
    room.requests -= 1.05;
    counts.posting -= 1;
    tell('post', null);
    finish('posted');
  };
  const draft = (): void => {
    room.drafts -= 1;
    room.requests -= 1.05;
    const again = counts.retrying - waiting.length;
    counts[again > 0 ? 'retrying' : 'queued'] -= 1;
    if (again === 0 && retries !== undefined && random() < retries.chance) {
      const [low, high] = retries.seconds;
      const delay = low + random() * (high - low);
      waiting.push(second + delay);
      counts.retrying += 1;
      return tell('draft', delay);
    }
    tell('draft', null);
    if (random() < skipChance) return finish('skipped');
    if (post === 'hold') return finish('drafted');
    counts.posting += 1;
  };
  const flow = (perMinute: number): number => (perMinute * STEP_SECONDS) / 60;

  for (let step = 1; looks.at(-1)?.done !== 1; step += 1) {
    second = step * STEP_SECONDS;
    const paused = pause !== undefined && second >= pause[0] && second < pause[1];
    if (pause !== undefined && pause.some((edge) => Math.abs(second - edge) < STEP_SECONDS / 2))
      observer.batch({
        batchId: BATCH,
        state: paused ? 'paused' : 'running',
        total: tickets,
        reason: null,
        createdAt: 0,
      });
    if (!paused) {
      going += STEP_SECONDS;
      for (let index = waiting.length - 1; index >= 0; index -= 1) {
        if ((waiting[index] ?? 0) <= second) waiting.splice(index, 1);
      }
      room.drafts = Math.min(room.drafts, 10 + (shape.burst ?? 0)) + flow(shape.draftsPerMinute(second));
      const { updatesPerMinute = 1e6, requestsPerMinute = 1e7 } = helpdesk ?? {};
      const opens = (step - 1) % (60 / STEP_SECONDS) === 0;
      if (shape.window === undefined) room.updates = Math.min(room.updates, 3) + flow(updatesPerMinute);
      else if (opens) room.updates = updatesPerMinute;
      room.requests = Math.min(room.requests, 5) + flow(requestsPerMinute);
      const mayWrite = (): boolean => counts.posting > 0 && room.updates >= 1;
      const mayDraft = (): boolean => room.drafts >= 1 && counts.queued + counts.retrying - waiting.length > 0;
      // where requests are scarce most of them go to drafts
      for (; room.requests >= 1.05; turn += 1) {
        if (mayWrite() && (turn % 4 === 0 || !mayDraft())) write();
        else if (mayDraft()) draft();
        else if (mayWrite()) write();
        else break;
      }
    }
    const done = (counts.posted + counts.skipped + counts.drafted) / tickets;
    if (done > (looks.at(-1)?.done ?? 0)) looks.push({ second, done, going, eta: eta(counts) });
  }
  return looks.map((look) => ({ ...look, left: going - look.going }));
}
