import { expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { createKnowledgeSync } from '../../src/pool/knowledge-sync.ts';
import { fillKnowledge } from '../../src/sandbox/fill-knowledge.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { createZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { testDeps } from '../helpdesks/deps.ts';
import { fakeKnowledge } from '../support/fake-knowledge.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { livelyTime } from '../support/lively-time.ts';
import { recordingObserver } from '../support/recording-observer.ts';

const ORIGIN = 'http://127.0.0.1:1';
const FAULTS = { rate_limited: 0.1, server_error: 0.1, reset: 0.05, cut: 0.05 };
const clock = () => fakeClock();

const accounts = {
  zendesk: (at: ReturnType<typeof clock>) => {
    const simulator = createZendeskSimulator({ clock: at, random: seededRandom(3), role: 'admin', faults: FAULTS });
    const settings = zendesk.settings.parse({
      ZENDESK_BASE_URL: ORIGIN,
      ZENDESK_OAUTH_TOKEN: simulator.credentials.oauthToken,
      ZENDESK_WEBHOOK_SECRET: simulator.webhookSecret,
      ZENDESK_REQUESTS_PER_MINUTE: '100000',
    });
    return { simulator, create: () => zendesk.create(settings, testDeps(inProcessFetch(simulator.fetch), at)) };
  },
  freshdesk: (at: ReturnType<typeof clock>) => {
    const simulator = createFreshdeskSimulator({ clock: at, random: seededRandom(3), role: 'admin', faults: FAULTS });
    const settings = freshdesk.settings.parse({
      FRESHDESK_BASE_URL: ORIGIN,
      FRESHDESK_API_KEY: simulator.apiKey,
      FRESHDESK_WEBHOOK_TOKEN: simulator.webhookToken,
      FRESHDESK_REQUESTS_PER_MINUTE: '100000',
    });
    return { simulator, create: () => freshdesk.create(settings, testDeps(inProcessFetch(simulator.fetch), at)) };
  },
};

it.each(['zendesk', 'freshdesk'] as const)(
  'a %s that fails often, read by a service that is killed again and again, ends up known as it is',
  async (name) => {
    const time = clock();
    const { simulator, create } = accounts[name](time);
    const ticketIds = fillKnowledge(simulator, ORIGIN);
    await time.advance(3_600_000);
    const base = fakeKnowledge();
    const random = seededRandom(5);
    const start = () => {
      const sync = createKnowledgeSync({
        knowledge: base,
        helpdesks: new Map([[name, create()]]),
        gate: { allowance: () => 1 },
        clock: time,
        random,
        observer: recordingObserver(),
        retry: { maxAttempts: 5, baseMs: 1000, maxMs: 60_000 },
        everyMinutes: 10,
        joinSolved: true,
        isKnown: () => true,
        retentionDays: 730,
      });
      sync.start();
      return sync;
    };
    // lives of a few seconds, in which pages are stored; then one that is long enough
    for (let life = 0; life < 15; life++) {
      const sync = start();
      await livelyTime(time, Math.round(random() * 4000), 400);
      await sync.stop();
    }
    const [reopened = '', deleted = ''] = ticketIds;
    simulator.customerReply(reopened, '<p>It has still not come. What now?</p>');
    simulator.delete(deleted);
    simulator.helpCentre.archive(9006);
    const last = start();
    await livelyTime(time, 12 * 60_000, 4000);
    await livelyTime(time, 24 * 3_600_000, 5 * 60_000);
    await livelyTime(time, 12 * 60_000, 4000);
    await last.stop();

    const left = ticketIds.filter((id) => id !== reopened && id !== deleted);
    expect(base.keys(name, 'solved')).toEqual(left.map((id) => `${name}/${id}`).toSorted());
    expect(base.keys(name, 'articles').some((key) => key.startsWith(`${name}/9006`))).toBe(false);
    expect(base.keys(name, 'articles')).toHaveLength(21);
    expect(base.keys(name, 'canned')).toHaveLength(4);
    for (const kind of ['articles', 'solved', 'canned'] as const) expect(base.syncState(name, kind).error).toBeNull();
  },
);

it.each(['zendesk', 'freshdesk'] as const)(
  'of a %s without a sync, tickets that are known here join once they are solved, and no others',
  async (name) => {
    const time = clock();
    const { simulator, create } = accounts[name](time);
    const ticketIds = fillKnowledge(simulator, ORIGIN);
    await time.advance(3_600_000);
    const base = fakeKnowledge();
    const known = ticketIds.slice(0, 5);
    const start = () => {
      const sync = createKnowledgeSync({
        knowledge: base,
        helpdesks: new Map([[name, create()]]),
        gate: { allowance: () => 1 },
        clock: time,
        random: seededRandom(5),
        observer: recordingObserver(),
        retry: { maxAttempts: 5, baseMs: 1000, maxMs: 60_000 },
        everyMinutes: 0,
        joinSolved: true,
        isKnown: (_, ticketId) => known.includes(ticketId),
        retentionDays: 730,
      });
      sync.start();
      return sync;
    };
    const first = start();
    await livelyTime(time, 3_000, 400);
    await first.stop();
    simulator.customerReply(known[0] ?? '', '<p>It has still not come. What now?</p>');
    const second = start();
    await livelyTime(time, 3 * 3_600_000, 60_000);
    await second.stop();
    expect(base.keys(name, 'solved')).toEqual(
      known
        .slice(1)
        .map((id) => `${name}/${id}`)
        .toSorted(),
    );
    expect([base.keys(name, 'articles'), base.keys(name, 'canned')]).toEqual([[], []]);
  },
);
