import type { Mark } from './provider-feedback.ts';

/** What the headers say is old by the time of an answer and disturbed on the way, so it is read in groups. */
const GROUP_MS = 250;
const GROUPS = 16;
const OLDEST_MS = 60_000;
/** For a line through them to mean something. */
export const ENOUGH_GROUPS = 4;
const ENOUGH_ANSWERS = 8;
const ENOUGH_MS = 700;

/** The answers to calls that were granted within a short time. */
export interface Group {
  readonly index: number;
  answers: number;
  /** Sums over the group's answers. */
  at: number;
  told: number;
  before: number;
  estimated: number;
  fixed: number;
  unused: number;
  lost: number;
}

/** What `remaining` headers told of late, in groups by the time of the grant. */
export interface Readings {
  readonly groups: readonly Group[];
  /** `before` is what the bucket held before the call was charged. */
  add(mark: Mark, told: number, before: number): void;
  clear(): void;
}

export function createReadings(startedAt: number): Readings {
  let groups: Group[] = [];
  return {
    get groups() {
      return groups;
    },
    add: (mark, told, before) => {
      const index = Math.floor((mark.at - startedAt) / GROUP_MS);
      let place = groups.length;
      while (place > 0 && (groups[place - 1]?.index ?? 0) >= index) place -= 1;
      let group = groups[place];
      if (group?.index !== index) {
        group = { index, answers: 0, at: 0, told: 0, before: 0, estimated: 0, fixed: 0, unused: 0, lost: 0 };
        groups.splice(place, 0, group);
      }
      group.answers += 1;
      group.told += told;
      group.before += before;
      for (const key of ['at', 'estimated', 'fixed', 'unused', 'lost'] as const) group[key] += mark[key];
      const latest = groups.at(-1)?.index ?? 0;
      groups = groups.filter((each) => (latest - each.index) * GROUP_MS < OLDEST_MS).slice(-GROUPS);
    },
    clear: () => void (groups = []),
  };
}

/** Many enough, over a time long enough, to show a trend. */
export function enough(groups: readonly Group[]): boolean {
  const [oldest, latest] = [groups[0], groups.at(-1)];
  if (oldest === undefined || latest === undefined || groups.length < ENOUGH_GROUPS) return false;
  const answers = groups.reduce((sum, each) => sum + each.answers, 0);
  return answers >= ENOUGH_ANSWERS && latest.at / latest.answers - oldest.at / oldest.answers >= ENOUGH_MS;
}

export function meanOf({ answers, at, estimated, fixed, unused, lost }: Group): Omit<Mark, 'own'> {
  return {
    at: at / answers,
    estimated: estimated / answers,
    fixed: fixed / answers,
    unused: unused / answers,
    lost: lost / answers,
  };
}
