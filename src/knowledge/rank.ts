/** A solved ticket like the question, and the articles that answered it. */
export interface Neighbour {
  /** 0 to about 1: its score among what the question could score at most. */
  readonly likeness: number;
  readonly articles: readonly string[];
}

/** What there is to judge articles by. Scores are by article id. */
export interface Evidence {
  /** The nearest solved tickets that name an article. */
  readonly neighbours: readonly Neighbour[];
  /** Of all solved tickets that count: how many named the article, and how like the question they are on the average. */
  readonly history: ReadonlyMap<string, { readonly count: number; readonly likeness: number }>;
  /** How much the question's words go with the article in solved tickets. */
  readonly associated: ReadonlyMap<string, number>;
  /** Of the article's best passage. */
  readonly passage: ReadonlyMap<string, number>;
  /** Of its best passages together. */
  readonly passages: ReadonlyMap<string, number>;
  readonly title: ReadonlyMap<string, number>;
  /** By pieces of words. */
  readonly grams: ReadonlyMap<string, number>;
  /** Of its best passage, for what similar tickets were answered with. */
  readonly echo: ReadonlyMap<string, number>;
  /** By an embedding model, where there is one. */
  readonly meaning?: MeaningEvidence;
}

/** What means the like, in standard deviations above the average of its kind. */
export interface MeaningEvidence {
  /** Of the article's best passage. */
  readonly articles: ReadonlyMap<string, number>;
  /** The nearest solved tickets that name an article. */
  readonly neighbours: readonly Neighbour[];
}

export interface Ranked {
  readonly id: string;
  /** 0 to 1: how likely people would have linked it, of all that is known. */
  readonly share: number;
  readonly votes: number;
}

/** The nearest neighbours count for more than the many. */
const LIKENESS_POWER = 1.5;
/** So many linked tickets halve what the articles' own text has to add. */
const THIN_HISTORY = 10;

/**
 * What each piece of evidence weighs: a softmax over articles, fitted to 2,232 real tickets with all, 200 and none of
 * the history of the others, and measured on customers that were left out (docs/knowledge.md).
 */
const WEIGHTS = {
  votes: 0.41,
  nearest: 2.94,
  association: 0.12,
  averageLikeness: 0.59,
  popularity: 0.57,
  echo: 1.65,
  echoTop: -1.14,
  title: 1.11,
  textAlone: 2.56,
  passages: 1.06,
  grams: 1.41,
} as const;

/** The same for what an embedding model says, measured with a small English one (docs/knowledge.md). */
const MEANING_WEIGHTS = { passage: 0.7, voteShare: 0.25, nearest: 0.15 } as const;
/** What stands out less says nothing: so a model that does not know the language of a question does no harm. */
const MEANING_FLOOR = 1.5;

interface Votes {
  readonly weight: number;
  readonly nearest: number;
  readonly count: number;
}

/** Articles by how much of the evidence speaks for them. With no history that is the search of the articles alone. */
export function rankArticles(evidence: Evidence): Ranked[] {
  const votes = countVotes(evidence.neighbours);
  const ids = new Set([...votes.keys(), ...evidence.passage.keys(), ...evidence.grams.keys(), ...evidence.echo.keys()]);
  const meaning = weighMeaning(evidence.meaning);
  for (const id of meaning.ids) ids.add(id);
  if (ids.size === 0) return [];
  const linked = sum([...evidence.history.values()].map(({ count }) => count));
  const relative = {
    passage: relativeTo(evidence.passage),
    passages: relativeTo(evidence.passages),
    title: relativeTo(evidence.title),
    grams: relativeTo(evidence.grams),
    echo: relativeTo(evidence.echo),
  };
  const thin = 1 / (1 + linked / THIN_HISTORY);
  const worth = [...ids].map((id) => {
    const { weight = 0, nearest = 0, count = 0 } = votes.get(id) ?? {};
    const { count: popularity = 0, likeness = 0 } = evidence.history.get(id) ?? {};
    const echo = relative.echo(id);
    const value =
      WEIGHTS.votes * Math.log1p(10 * weight) +
      WEIGHTS.nearest * nearest +
      WEIGHTS.association * (evidence.associated.get(id) ?? 0) +
      WEIGHTS.echo * echo ** 2 +
      WEIGHTS.echoTop * echo ** 6 +
      WEIGHTS.title * relative.title(id) +
      WEIGHTS.averageLikeness * likeness +
      WEIGHTS.popularity * Math.log1p(popularity) +
      WEIGHTS.textAlone * thin * relative.passage(id) ** 2 +
      WEIGHTS.passages * relative.passages(id) ** 2 +
      WEIGHTS.grams * relative.grams(id) ** 2 +
      meaning.of(id);
    return { id, value, votes: count };
  });
  const best = Math.max(...worth.map(({ value }) => value));
  const raised = worth.map(({ id, value, votes: count }) => ({ id, part: Math.exp(value - best), votes: count }));
  const total = sum(raised.map(({ part }) => part));
  return raised
    .map(({ id, part, votes: count }) => ({ id, share: part / total, votes: count }))
    .toSorted((a, b) => b.share - a.share);
}

/** What it adds to an article's worth: nothing to any where there are no vectors. */
function weighMeaning({ articles, neighbours }: MeaningEvidence = NO_MEANING) {
  // the last of them stands for all that are a little alike
  const least = neighbours.at(-1)?.likeness ?? 0;
  const votes = countVotes(neighbours.map((one) => ({ ...one, likeness: one.likeness - least })));
  const all = sum([...votes.values()].map(({ weight }) => weight));
  return {
    ids: [...articles.keys(), ...votes.keys()],
    of: (id: string): number => {
      const { weight = 0, nearest = 0 } = votes.get(id) ?? {};
      return (
        MEANING_WEIGHTS.passage * Math.max(0, (articles.get(id) ?? 0) - MEANING_FLOOR) +
        MEANING_WEIGHTS.voteShare * (all > 0 ? weight / all : 0) +
        MEANING_WEIGHTS.nearest * nearest
      );
    },
  };
}

const NO_MEANING: MeaningEvidence = { articles: new Map(), neighbours: [] };

function countVotes(neighbours: readonly Neighbour[]): Map<string, Votes> {
  const votes = new Map<string, Votes>();
  for (const { likeness, articles } of neighbours) {
    const gain = likeness ** LIKENESS_POWER / Math.sqrt(articles.length);
    for (const id of articles) {
      const { weight = 0, nearest = 0, count = 0 } = votes.get(id) ?? {};
      votes.set(id, { weight: weight + gain, nearest: Math.max(nearest, likeness), count: count + 1 });
    }
  }
  return votes;
}

/** Scores as parts of the highest. */
function relativeTo(scores: ReadonlyMap<string, number>): (id: string) => number {
  const best = Math.max(0, ...scores.values());
  return (id) => (best === 0 ? 0 : (scores.get(id) ?? 0) / best);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
