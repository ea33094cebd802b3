import { describe, expect, it } from 'vitest';
import { etaSeconds } from '../../src/core/eta.ts';
import { createPaceMeter } from '../../src/core/pace-meter.ts';
import { type Look, type Shape, simulateBatch } from '../support/batch-simulation.ts';
import { zeroCounts } from '../support/fakes.ts';

const demandOf = ({ requestsPerMinute, updatesPerMinute }: NonNullable<Shape['helpdesk']>) => [
  { limit: 'zendesk.updates', perMinute: updatesPerMinute, perTicket: 1, perNote: 1 },
  { limit: 'zendesk.requests', perMinute: requestsPerMinute, perTicket: 2.1, perNote: 1.05 },
];
const ZENDESK = { requestsPerMinute: 200, updatesPerMinute: 80 };

function run(shape: Shape): readonly Look[] {
  const demand = shape.helpdesk === undefined ? [] : demandOf(shape.helpdesk);
  return simulateBatch(shape, (clock) => {
    const meter = createPaceMeter(clock);
    return {
      observer: meter.observer,
      eta: (counts) => etaSeconds({ counts, post: shape.post ?? 'auto', pace: meter.read('b1'), demand }),
    };
  });
}

/** The first look at each 1 % that is done. */
function everyPercent(looks: readonly Look[]): readonly Look[] {
  return Array.from({ length: 90 }, (_, index) => looks.find(({ done }) => done >= (index + 10) / 100)).filter(
    (look) => look !== undefined,
  );
}

/** Beyond so little nobody waits for a better word, s. */
const SLACK_SECONDS = 3;
/** Where a minute's notes go at once, the last of them are written early in their minute. */
const WINDOW_SLACK_SECONDS = 40;

function misses(shape: Shape, looks: readonly Look[]): readonly string[] {
  const slack = shape.window === true ? WINDOW_SLACK_SECONDS : SLACK_SECONDS;
  return looks.flatMap(({ second, done, eta, left }) => {
    const off = eta === null ? Number.POSITIVE_INFINITY : Math.abs(eta - left);
    if (off <= Math.max(0.2 * left, slack)) return [];
    return [`${Math.round(done * 100)} % at ${Math.round(second)} s: ${eta} for ${Math.round(left)}`];
  });
}

const steady = (perMinute: number) => () => perMinute;

describe('right within 20 % from a tenth on', () => {
  const shapes: Record<string, Shape> = {
    'at the limit of the model': { tickets: 1000, draftsPerMinute: steady(400) },
    'a burst first': { tickets: 600, draftsPerMinute: steady(600), burst: 30 },
    'drafts that run ahead of the notes': { tickets: 600, draftsPerMinute: steady(3000), helpdesk: ZENDESK },
    'notes that take most of the requests': {
      tickets: 400,
      draftsPerMinute: steady(3000),
      helpdesk: { requestsPerMinute: 120, updatesPerMinute: 80 },
    },
    'drafts a little ahead of the notes': { tickets: 800, draftsPerMinute: steady(100), helpdesk: ZENDESK },
    'the notes of a minute at once': { tickets: 800, draftsPerMinute: steady(300), helpdesk: ZENDESK, window: true },
    'a slow start': { tickets: 1000, draftsPerMinute: (second) => (second < 8 ? 130 : 400) },
    'one in five comes again': {
      tickets: 1500,
      draftsPerMinute: steady(400),
      retries: { chance: 0.2, seconds: [30, 60] },
    },
    'held drafts': { tickets: 1000, post: 'hold', draftsPerMinute: steady(400), helpdesk: ZENDESK },
    'many skipped': { tickets: 800, draftsPerMinute: steady(1000), skipChance: 0.6, helpdesk: ZENDESK },
    'two minutes of pause': { tickets: 1200, draftsPerMinute: steady(400), pause: [90, 210] },
    'a pause while notes wait': { tickets: 600, draftsPerMinute: steady(900), helpdesk: ZENDESK, pause: [150, 270] },
    'two a minute': { tickets: 100, draftsPerMinute: steady(2) },
    'all in 20 s': { tickets: 10_000, draftsPerMinute: steady(30_000) },
  };
  it.each(Object.entries(shapes))('%s', (_, shape) => {
    const looks = everyPercent(run(shape));
    expect(looks).toHaveLength(90);
    expect(misses(shape, looks)).toEqual([]);
  });
});

describe('what nobody can foresee: right again so soon after it', () => {
  const shapes: Record<string, { shape: Shape; changes: number; within: number }> = {
    'a limit learned late': {
      shape: { tickets: 2000, draftsPerMinute: (second) => (second < 90 ? 200 : 600) },
      changes: 90,
      within: 60,
    },
    'a rival': {
      shape: { tickets: 3000, draftsPerMinute: (second) => (second < 120 ? 450 : 200) },
      changes: 120,
      within: 60,
    },
  };
  it.each(Object.entries(shapes))('%s', (_, { shape, changes, within }) => {
    const looks = everyPercent(run(shape));
    const later = looks.filter(({ second }) => second > changes + within);
    expect(later.length).toBeGreaterThan(30);
    expect(misses(shape, later)).toEqual([]);
  });
});

const pace = { draftsPerMinute: 40, notesPerMinute: 40, draftsLately: 40, retrySeconds: 0 };
const counts = { ...zeroCounts(), queued: 700, posting: 100, posted: 200 };

it('says nothing while nothing moves, and 0 when nothing is left', () => {
  const still = { draftsPerMinute: 0, notesPerMinute: 0, draftsLately: 0, retrySeconds: 0 };
  expect(etaSeconds({ counts, post: 'auto', pace: still, demand: [] })).toBeNull();
  expect(etaSeconds({ counts: zeroCounts(), post: 'auto', pace: still, demand: [] })).toBe(0);
  expect(etaSeconds({ counts, post: 'auto', pace, demand: [] })).toBe(1125);
});

it('takes what comes again when no drafts are made any more for notes', () => {
  const end = { ...zeroCounts(), retrying: 15, posting: 5, posted: 353 };
  const since = { draftsPerMinute: 25, draftsLately: 0, notesPerMinute: 75, retrySeconds: 4 };
  expect(etaSeconds({ counts: end, post: 'auto', pace: since, demand: demandOf(ZENDESK) })).toBe(16);
});

it('waits for the last ticket that comes again', () => {
  const last = { ...zeroCounts(), retrying: 1, posted: 99 };
  expect(etaSeconds({ counts: last, post: 'auto', pace: { ...pace, retrySeconds: 45 }, demand: [] })).toBe(45);
});
