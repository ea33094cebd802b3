import type { Random } from './clock.ts';
import { type Difference, meanDifference } from './paired-bootstrap.ts';
import type { DraftVersions } from './ticket.ts';

/** What came of one past ticket, beside what people answered: numbers only, no texts. */
export interface ReplayedTicket {
  /** As in the file of solved tickets. */
  readonly id: string;
  /**
   * `declined`: no reply, the model found nothing to answer with or a rule asks for a finding; `ruled_out`: a rule kept
   * it back; `failed`: there was no answer to be had.
   */
  readonly outcome: 'drafted' | 'declined' | 'ruled_out' | 'failed';
  /** 0 to 1, of the words that carry meaning; null without a draft. */
  readonly similarity: number | null;
  /** Is there an article that draft and answer both point to? Null: people pointed to none, or there is no draft. */
  readonly sharedLink: boolean | null;
  /** Null: one of the two is too short to tell, or there is no draft. */
  readonly sameLanguage: boolean | null;
  /** Characters of the draft by those of the answer; null without a draft. */
  readonly lengthRatio: number | null;
  /** Statements of the draft that nothing proves. */
  readonly unproven: number;
  /** USD; null when not known. */
  readonly costUsd: number | null;
}

/** One replay, as it is kept for the next to be compared with. */
export interface ReplayResult {
  /** Of what it was drafted with: the same again has the same. */
  readonly id: string;
  /** Epoch ms. */
  readonly endedAt: number;
  readonly versions: DraftVersions;
  readonly tickets: readonly ReplayedTicket[];
}

/** Shares are from 0 to 1; null where there is nothing to take them from. */
export interface ReplaySummary {
  readonly tickets: number;
  readonly failed: number;
  readonly ruledOut: number;
  /** Of the others. */
  readonly declined: number | null;
  readonly similarity: number | null;
  readonly medianSimilarity: number | null;
  /** Of those drafts to which people pointed to an article. */
  readonly sharedLink: number | null;
  /** How many those are. */
  readonly linked: number;
  readonly sameLanguage: number | null;
  /** The median. */
  readonly lengthRatio: number | null;
  /** Drafts with a statement that nothing proves. */
  readonly unproven: number | null;
  /** USD of all. */
  readonly costUsd: number | null;
}

export function summarise(tickets: readonly ReplayedTicket[]): ReplaySummary {
  const answered = tickets.filter(isAnswered);
  const failed = tickets.filter(({ outcome }) => outcome === 'failed').length;
  const drafted = tickets.filter(({ outcome }) => outcome === 'drafted');
  const links = drafted.flatMap(({ sharedLink }) => (sharedLink === null ? [] : Number(sharedLink)));
  const costs = tickets.flatMap(({ costUsd }) => costUsd ?? []);
  return {
    tickets: tickets.length,
    failed,
    ruledOut: tickets.length - answered.length - failed,
    declined: mean(answered.map(({ outcome }) => Number(outcome === 'declined'))),
    similarity: mean(drafted.flatMap(({ similarity }) => similarity ?? [])),
    medianSimilarity: median(drafted.flatMap(({ similarity }) => similarity ?? [])),
    sharedLink: mean(links),
    linked: links.length,
    sameLanguage: mean(drafted.flatMap(({ sameLanguage }) => (sameLanguage === null ? [] : Number(sameLanguage)))),
    lengthRatio: median(drafted.flatMap(({ lengthRatio }) => lengthRatio ?? [])),
    unproven: mean(drafted.map(({ unproven }) => Number(unproven > 0))),
    costUsd: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0),
  };
}

/** This run less the last one, on the tickets that both have. */
export interface ReplayChange {
  /** Of tickets that both have drafted. */
  readonly similarity: Difference | null;
  /** Of tickets that both have had an answer for. */
  readonly declined: Difference | null;
}

export function changeSince(
  last: readonly ReplayedTicket[],
  now: readonly ReplayedTicket[],
  random: Random,
): ReplayChange {
  const before = new Map(last.map((ticket) => [ticket.id, ticket]));
  const pairs = now.flatMap((ticket) => {
    const old = before.get(ticket.id);
    return old !== undefined && isAnswered(old) && isAnswered(ticket) ? [{ old, ticket }] : [];
  });
  const similarity = pairs.flatMap(({ old, ticket }) =>
    old.similarity === null || ticket.similarity === null ? [] : [ticket.similarity - old.similarity],
  );
  const declined = pairs.map(
    ({ old, ticket }) => Number(ticket.outcome === 'declined') - Number(old.outcome === 'declined'),
  );
  return { similarity: meanDifference(similarity, random), declined: meanDifference(declined, random) };
}

/**
 * What has become worse by more than `maxRegress` (0 to 1), and not by chance: the interval of the difference leaves out 0.
 * Sentences.
 */
export function regressions({ similarity, declined }: ReplayChange, maxRegress: number): readonly string[] {
  return [
    ...(similarity !== null && similarity.mean < -maxRegress && similarity.high < 0
      ? [`Drafts are less like what people answered, by more than ${maxRegress}.`]
      : []),
    ...(declined !== null && declined.mean > maxRegress && declined.low > 0
      ? [`More tickets are declined, by more than ${maxRegress} of all.`]
      : []),
  ];
}

/** Those least like what people answered, the least first. */
export function worstOf(tickets: readonly ReplayedTicket[], count: number): readonly ReplayedTicket[] {
  return tickets
    .filter(({ similarity }) => similarity !== null)
    .toSorted((a, b) => (a.similarity ?? 0) - (b.similarity ?? 0))
    .slice(0, count);
}

/** Was the model asked, and has it answered one way or the other? */
function isAnswered({ outcome }: ReplayedTicket): boolean {
  return outcome === 'drafted' || outcome === 'declined';
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}
