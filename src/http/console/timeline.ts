import { isFinal, type TicketStatus } from '../../core/ticket.ts';
import type { CostedAttempt, DraftVersion, TicketRound } from '../../core/ticket-story.ts';
import type { Tone } from './components.tsx';
import { duration } from './words.ts';

/** One line of a ticket's story. */
export interface TimelineEntry {
  /** Epoch ms. */
  readonly at: number;
  readonly title: string;
  readonly tone: Tone;
  /** What it waited for before, and how long, ms. */
  readonly waited: { readonly ms: number; readonly where: 'in the queue' | 'before the next try' } | null;
  readonly durationMs: number | null;
  /** Sentences and figures, one a line. */
  readonly details: readonly string[];
  readonly errorClass: string | null;
  readonly batchId: string | null;
}

/** A wait shorter than this, ms, is none. */
const NO_WAIT_MS = 50;

const OUTCOME_TONE: Readonly<Record<CostedAttempt['outcome'], Tone>> = {
  ok: 'good',
  retry: 'wait',
  dead: 'bad',
  cancelled: 'still',
};

/** A round of work from what brought it to where it is now. `drafts`: all of the ticket. */
export function timelineOf(round: TicketRound, drafts: readonly DraftVersion[]): readonly TimelineEntry[] {
  const { attempts, batchId, createdAt } = round;
  const brought = { title: batchId === null ? 'Webhook received' : 'Taken into a batch', batchId };
  const made = drafts.filter(({ roundId }) => roundId === round.id);
  return [
    entry({ at: createdAt, tone: 'still', ...brought }),
    ...[...attempts.map((attempt, index) => tryEntry(attempt, round, index)), ...made.map(draftEntry)].toSorted(
      (a, b) => a.at - b.at,
    ),
    endEntry(round),
  ];
}

function entry(
  parts: Pick<TimelineEntry, 'at' | 'title' | 'tone'> & Partial<Omit<TimelineEntry, 'at' | 'title' | 'tone'>>,
): TimelineEntry {
  return { waited: null, durationMs: null, details: [], errorClass: null, batchId: null, ...parts };
}

function tryEntry(attempt: CostedAttempt, { attempts, createdAt }: TicketRound, index: number): TimelineEntry {
  const before = attempts[index - 1];
  const free = before === undefined ? createdAt : before.startedAt + before.durationMs;
  const ms = attempt.startedAt - free;
  const where = before?.outcome === 'retry' ? 'before the next try' : 'in the queue';
  return entry({
    at: attempt.startedAt,
    title: `${STAGE_WORDS[attempt.stage]}, try ${attempt.number}: ${OUTCOME_WORDS[attempt.outcome]}`,
    tone: OUTCOME_TONE[attempt.outcome],
    waited: ms < NO_WAIT_MS ? null : { ms, where },
    durationMs: attempt.durationMs,
    details: [...(attempt.error === null ? [] : [attempt.error]), ...callOf(attempt)],
    errorClass: attempt.errorClass,
  });
}

const STAGE_WORDS: Readonly<Record<CostedAttempt['stage'], string>> = {
  draft: 'Draft',
  query: 'Search words',
  review: 'Review',
  revise: 'Revision',
  post: 'Note',
};

const OUTCOME_WORDS: Readonly<Record<CostedAttempt['outcome'], string>> = {
  ok: 'ok',
  retry: 'failed, to be tried again',
  dead: 'failed for good',
  cancelled: 'cancelled',
};

/** The calls to the LLM of a try, together, and what they waited for. */
function callOf({ promptTokens, completionTokens, costUsd, waitedMs }: CostedAttempt): string[] {
  if (promptTokens === null) return [];
  const wait =
    waitedMs === null || waitedMs < NO_WAIT_MS
      ? []
      : [`Of that, ${duration(waitedMs)} waiting for the LLM's rate limit`];
  if (promptTokens === 0) return [...wait, 'LLM call: no tokens were counted'];
  const tokens = `${promptTokens.toLocaleString('en')} tokens in, ${(completionTokens ?? 0).toLocaleString('en')} out`;
  return [...wait, `LLM call: ${tokens}, ${costUsd === null ? 'price not known' : `$${costUsd.toFixed(5)}`}`];
}

function draftEntry({ createdAt, version, model, language, confidence, body }: DraftVersion): TimelineEntry {
  const kind = body === null ? 'Finding' : 'Draft';
  return entry({
    at: createdAt,
    title: `${kind} stored, version ${version}`,
    tone: 'good',
    details: [`${model}, language ${language}, confidence ${Math.round(confidence * 100)} %`],
  });
}

const END_TONE: Partial<Readonly<Record<TicketStatus, Tone>>> = {
  posted: 'good',
  accepted: 'good',
  edited: 'good',
  dead: 'bad',
};

function endEntry(round: TicketRound): TimelineEntry {
  const { status, updatedAt, noteId, reason, errorClass } = round;
  const note = noteId === null ? '' : `, note ${noteId}`;
  return entry({
    at: updatedAt,
    title: `${isFinal(status) ? 'Ended' : 'Now'}: ${status}${note}`,
    tone: END_TONE[status] ?? (isFinal(status) ? 'still' : 'busy'),
    // of a dead one it is the class of its last try
    details: reason === null || reason === errorClass ? [] : [`Reason: ${reason}`],
  });
}
