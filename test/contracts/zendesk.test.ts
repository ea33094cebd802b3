import { seededRandom } from '../../src/core/clock.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { createZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { testDeps, webhook } from '../helpdesks/deps.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { helpdeskContract } from './helpdesk.ts';
import { knowledgeContract, type KnowledgeWorld } from './knowledge.ts';

const isWrite = ({ method, path }: { method: string; path: string }): boolean =>
  method === 'PUT' && path.includes('/tickets/');
const isRead = ({ method, path }: { method: string; path: string }): boolean =>
  method === 'GET' && path.includes('/tickets/');

/** Between our time-out and, at Zendesk, our second look. */
const LATE_COMMIT_MS = 30_000;

helpdeskContract('zendesk', () => {
  const clock = fakeClock();
  const simulator = createZendeskSimulator({ clock, random: seededRandom(7), lateCommitMs: LATE_COMMIT_MS });
  const deps = testDeps(inProcessFetch(simulator.fetch), clock);
  const { clientId, clientSecret } = simulator.credentials;
  const settings = zendesk.settings.parse({
    ZENDESK_BASE_URL: 'http://127.0.0.1:1',
    ZENDESK_OAUTH_CLIENT_ID: clientId,
    ZENDESK_OAUTH_CLIENT_SECRET: clientSecret,
    ZENDESK_WEBHOOK_SECRET: simulator.webhookSecret,
    ZENDESK_REQUESTS_PER_MINUTE: '100000',
    ZENDESK_UPDATES_PER_MINUTE: '100000',
  });
  let revoked = false;
  const events = {
    created: 'ticket.created',
    customer_reply: 'ticket.comment_added',
    private_note: 'ticket.comment_added',
  } as const;
  const create = () =>
    zendesk.create(settings, {
      ...deps,
      fetch: (input, init) =>
        revoked
          ? Promise.resolve(Response.json({ error: "Couldn't authenticate you" }, { status: 401 }))
          : deps.fetch(input, init),
    });
  return {
    ...simulator,
    deps,
    helpdesk: create(),
    another: create,
    webhook: (ticketId, event) => {
      const { headers, body } = simulator.webhookFor(ticketId, events[event]);
      return webhook(body, headers, clock.now());
    },
    failNextWrite: (how) => simulator.faults.failNext(how, isWrite),
    failNextRead: (how) => simulator.faults.failNext(how, isRead),
    revokeAccess: () => {
      revoked = true;
    },
    lateCommitMs: LATE_COMMIT_MS,
    calls: () => simulator.stats().total,
    stop: () => simulator.disconnect(),
  };
});

/** An account whose credentials are an admin's. */
function knowledgeWorld(requestsPerMinute = 100_000): KnowledgeWorld {
  const clock = fakeClock();
  const simulator = createZendeskSimulator({ clock, random: seededRandom(7), role: 'admin' });
  const origin = 'http://127.0.0.1:1';
  const settings = zendesk.settings.parse({
    ZENDESK_BASE_URL: origin,
    ZENDESK_OAUTH_TOKEN: simulator.credentials.oauthToken,
    ZENDESK_WEBHOOK_SECRET: simulator.webhookSecret,
    ZENDESK_REQUESTS_PER_MINUTE: String(requestsPerMinute),
  });
  const helpdesk = zendesk.create(settings, testDeps(inProcessFetch(simulator.fetch), clock));
  return { helpdesk, simulator, clock, origin };
}

knowledgeContract('zendesk', knowledgeWorld);
