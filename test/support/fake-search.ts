import type {
  Found,
  FoundArticle,
  FoundCanned,
  FoundSolved,
  KnowledgeBase,
  KnowledgeQuery,
} from '../../src/core/knowledge-base.ts';
import type { Evidence } from '../../src/drafting/passages.ts';

export const HELP_URL = 'https://help.acme.example/hc/articles/360001-start';

export function makeArticle(overrides: Partial<FoundArticle> = {}): FoundArticle {
  return {
    id: 'zendesk/360001',
    locale: 'en',
    title: 'When it does not start',
    url: HELP_URL,
    restricted: false,
    heading: '',
    passage: 'Hold the button for five seconds. The light turns green, and the device starts.',
    share: 0.42,
    votes: 7,
    ...overrides,
  };
}

export function makeSolved(overrides: Partial<FoundSolved> = {}): FoundSolved {
  return {
    id: 'zendesk/5158',
    subject: 'Device of Maria Schmidt',
    reply: 'Hello Maria,\n\nplease charge it for two hours before you press the button.\n\nKind regards\nBob Agent',
    score: 1,
    ...overrides,
  };
}

export function makeCanned(overrides: Partial<FoundCanned> = {}): FoundCanned {
  const body = 'Please send us the serial number that stands on the back.';
  return { id: 'zendesk/77', title: 'Ask for the serial number', body, score: 1, ...overrides };
}

export function makeFound(overrides: Partial<Found> = {}): Found {
  return { articles: [makeArticle()], solved: [makeSolved()], canned: [makeCanned()], version: 'k1', ...overrides };
}

export const NOTHING_FOUND: Found = { articles: [], solved: [], canned: [], version: 'k1' };

export function makeEvidence(found: Partial<Found> = {}): Evidence {
  const ticketUrl = (id: string): string => `https://acme.zendesk.example/agent/tickets/${id.split('/')[1]}`;
  return { found: makeFound(found), ticketUrl };
}

export interface FakeKnowledge extends Pick<KnowledgeBase, 'search' | 'summary'> {
  readonly asked: KnowledgeQuery[];
  found: Found;
  counts: ReturnType<KnowledgeBase['summary']>['counts'];
}

/** A knowledge base that finds what a test says. */
export function fakeKnowledge(found: Found = makeFound()): FakeKnowledge {
  const fake: FakeKnowledge = {
    asked: [],
    found,
    counts: { articles: 1, solved: 1, canned: 1 },
    search: async (query) => {
      fake.asked.push(query);
      return fake.found;
    },
    summary: () => ({ counts: fake.counts, linked: 0, sources: [], version: fake.found.version }),
  };
  return fake;
}
