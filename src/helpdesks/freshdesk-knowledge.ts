import type { Clock } from '../core/clock.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { HelpdeskKnowledge } from '../core/knowledge-source.ts';
import { createFreshdeskCanned } from './freshdesk-canned.ts';
import type { FreshdeskRoute } from './freshdesk-errors.ts';
import { createFreshdeskArticles } from './freshdesk-articles.ts';
import { createFreshdeskSolved } from './freshdesk-solved.ts';
import type { Answer } from './http-call.ts';

/** How a GET for knowledge is made: last in line, within what knowledge may take. */
export type FreshdeskReader = (
  request: {
    readonly path: string;
    readonly route: FreshdeskRoute;
    readonly cost?: number;
    /** 404 means that its ticket is gone. */
    readonly aboutTicket?: boolean;
  },
  signal: AbortSignal,
) => Promise<Answer>;

/** What a Freshdesk account knows: solutions, resolved tickets, canned responses. */
export function createFreshdeskKnowledge(deps: {
  readonly read: FreshdeskReader;
  readonly listTickets: Helpdesk['listTickets'];
  readonly baseUrl: string;
  readonly clock: Clock;
}): HelpdeskKnowledge {
  const { read, listTickets, baseUrl, clock } = deps;
  return {
    articles: createFreshdeskArticles(read, baseUrl),
    solved: createFreshdeskSolved(read, listTickets, clock),
    canned: createFreshdeskCanned(read),
  };
}
