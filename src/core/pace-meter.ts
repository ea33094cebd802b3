import type { Clock } from './clock.ts';
import { type Observer, silentObserver } from './observer.ts';
import type { MainStage } from './outbox.ts';
import { createPaceTrack, type PaceTrack } from './pace-track.ts';
import { BATCH_DRAFTS } from './spend-guard.ts';

/** The name of all tickets together, whatever their batch. */
export const ALL_TICKETS = '';

/** How a batch has gone lately, counted by stages that were gone through, however the ticket ended. */
export interface Pace {
  readonly draftsPerMinute: number;
  readonly notesPerMinute: number;
  /** Drafts in the last minute alone: what came of helpdesk and workers while notes were written. */
  readonly draftsLately: number;
  /** Until the last ticket that waits for another try gets it, s; 0 when none does. */
  readonly retrySeconds: number;
}

/** What nobody has heard of for so long is forgotten when something new begins, ms. */
const FORGET_MS = 3_600_000;

const STANDSTILL: Pace = { draftsPerMinute: 0, notesPerMinute: 0, draftsLately: 0, retrySeconds: 0 };

/**
 * How fast batches go while they go: time in which a stage stands still by a pause (of its batch, its helpdesk, the
 * model or everybody) is no time at all, and what was on its way then does not count either.
 */
export interface PaceMeter {
  readonly observer: Observer;
  /** Of a batch by its id, or of `ALL_TICKETS`. */
  read(name: string): Pace;
}

interface Entry {
  readonly tracks: Readonly<Record<MainStage, PaceTrack>>;
  /** Scopes and batches whose pause is its own. */
  readonly stoppedBy: readonly string[];
  /** Clock.steady ms. */
  retryAt: number;
  heardAt: number;
}

export function createPaceMeter(clock: Clock): PaceMeter {
  const entries = new Map<string, Entry>();
  const stops = new Set<string>();

  const applyStops = ({ tracks, stoppedBy }: Entry): void => {
    const posting = stoppedBy.some((stop) => stops.has(stop));
    tracks.post.stop(posting);
    tracks.draft.stop(posting || stops.has('llm') || stops.has(BATCH_DRAFTS));
  };
  const change = (stop: string, on: boolean): void => {
    if (on) stops.add(stop);
    else stops.delete(stop);
    for (const entry of entries.values()) applyStops(entry);
  };
  const entryOf = (name: string, stoppedBy: readonly string[]): Entry => {
    const known = entries.get(name);
    if (known !== undefined) return known;
    const oldest = clock.steady() - FORGET_MS;
    for (const [other, { heardAt }] of entries) if (heardAt < oldest) entries.delete(other);
    const tracks = { draft: createPaceTrack(clock), post: createPaceTrack(clock) };
    const entry = { tracks, stoppedBy, retryAt: 0, heardAt: clock.steady() };
    applyStops(entry);
    entries.set(name, entry);
    return entry;
  };

  return {
    observer: {
      ...silentObserver,
      attempt: ({ batchId, ticket, stage, outcome, delayMs }) => {
        const found = [entryOf(ALL_TICKETS, ['all'])];
        if (batchId !== null) found.push(entryOf(batchId, ['all', ticket.helpdesk, batchId]));
        for (const entry of found) {
          entry.heardAt = clock.steady();
          const counts = stage === 'draft' || stage === 'post';
          if (counts && (outcome === 'ok' || outcome === 'dead')) entry.tracks[stage].count();
          if (delayMs !== null) entry.retryAt = Math.max(entry.retryAt, clock.steady() + delayMs);
        }
      },
      paused: ({ scope }) => change(scope, true),
      resumed: ({ scope }) => change(scope, false),
      batch: ({ batchId, state }) => change(batchId, state === 'paused'),
    },
    read: (name) => {
      const entry = entries.get(name);
      if (entry === undefined) return STANDSTILL;
      const { draft, post } = entry.tracks;
      return {
        draftsPerMinute: draft.perMinute(),
        notesPerMinute: post.perMinute(),
        draftsLately: draft.lastMinute(),
        retrySeconds: Math.max(0, (entry.retryAt - clock.steady()) / 1000),
      };
    },
  };
}
