import type { Clock } from '../core/clock.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { HelpdeskKnowledge } from '../core/knowledge-source.ts';
import { createZendeskArticles } from './zendesk-articles.ts';
import { createZendeskMacros } from './zendesk-macros.ts';
import { createZendeskSolved } from './zendesk-solved.ts';
import type { ZendeskReader } from './zendesk-tickets.ts';

/** What a Zendesk account knows: Guide, solved tickets, macros. */
export function createZendeskKnowledge(deps: {
  readonly read: ZendeskReader;
  readonly listTickets: Helpdesk['listTickets'];
  readonly baseUrl: string;
  readonly clock: Clock;
}): HelpdeskKnowledge {
  const { read, listTickets, baseUrl, clock } = deps;
  return {
    articles: createZendeskArticles(read, baseUrl, clock),
    solved: createZendeskSolved(read, listTickets, clock),
    canned: createZendeskMacros(read),
  };
}
