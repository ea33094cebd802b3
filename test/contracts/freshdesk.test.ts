import { seededRandom } from '../../src/core/clock.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { testDeps, webhook } from '../helpdesks/deps.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { helpdeskContract } from './helpdesk.ts';
import { knowledgeContract, type KnowledgeWorld } from './knowledge.ts';

/** Between our time-out and, at Zendesk, our second look. */
const LATE_COMMIT_MS = 30_000;

helpdeskContract('freshdesk', () => {
  const clock = fakeClock();
  const simulator = createFreshdeskSimulator({ clock, random: seededRandom(7), lateCommitMs: LATE_COMMIT_MS });
  const deps = testDeps(inProcessFetch(simulator.fetch), clock);
  const settings = freshdesk.settings.parse({
    FRESHDESK_BASE_URL: 'http://127.0.0.1:1',
    FRESHDESK_API_KEY: simulator.apiKey,
    FRESHDESK_WEBHOOK_TOKEN: simulator.webhookToken,
    FRESHDESK_REQUESTS_PER_MINUTE: '100000',
  });
  let revoked = false;
  const create = () =>
    freshdesk.create(settings, {
      ...deps,
      fetch: (input, init) =>
        revoked
          ? Promise.resolve(Response.json({ code: 'invalid_credentials' }, { status: 401 }))
          : deps.fetch(input, init),
    });
  return {
    ...simulator,
    deps,
    helpdesk: create(),
    another: create,
    webhook: (ticketId, event) => {
      const { headers, body } = simulator.webhookFor(ticketId, event);
      return webhook(body, headers, clock.now());
    },
    failNextWrite: (how) => simulator.faults.failNext(how, ({ method }) => method !== 'GET'),
    failNextRead: (how) => simulator.faults.failNext(how, ({ method }) => method === 'GET'),
    revokeAccess: () => {
      revoked = true;
    },
    lateCommitMs: LATE_COMMIT_MS,
    calls: () => simulator.stats().total,
    stop: () => simulator.disconnect(),
  };
});

function knowledgeWorld(requestsPerMinute = 100_000): KnowledgeWorld {
  const clock = fakeClock();
  const simulator = createFreshdeskSimulator({ clock, random: seededRandom(7), role: 'admin' });
  const origin = 'http://127.0.0.1:1';
  const settings = freshdesk.settings.parse({
    FRESHDESK_BASE_URL: origin,
    FRESHDESK_API_KEY: simulator.apiKey,
    FRESHDESK_WEBHOOK_TOKEN: simulator.webhookToken,
    FRESHDESK_REQUESTS_PER_MINUTE: String(requestsPerMinute),
  });
  const helpdesk = freshdesk.create(settings, testDeps(inProcessFetch(simulator.fetch), clock));
  return { helpdesk, simulator, clock, origin };
}

knowledgeContract('freshdesk', knowledgeWorld);
