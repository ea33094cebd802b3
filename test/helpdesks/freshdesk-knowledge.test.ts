import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { freshdesk } from '../../src/helpdesks/freshdesk.ts';
import { fillKnowledge } from '../../src/sandbox/fill-knowledge.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { readPass } from '../contracts/knowledge.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { json, stubFetch, testDeps } from './deps.ts';

const HOUR = 3_600_000;
const ENV = {
  FRESHDESK_BASE_URL: 'https://acme.freshdesk.com',
  FRESHDESK_API_KEY: 'freshdesk-simulator-api-key',
  FRESHDESK_WEBHOOK_TOKEN: 'webhook-token-one',
  FRESHDESK_REQUESTS_PER_MINUTE: '100000',
};
const ANSWER = '<p>Please open the settings, choose Battery, and set it to unrestricted; then sign in once more.</p>';

function setup(role: 'agent' | 'admin' = 'agent') {
  const clock = fakeClock();
  const simulator = createFreshdeskSimulator({ clock, random: seededRandom(1), role });
  const helpdesk = freshdesk.create(freshdesk.settings.parse(ENV), testDeps(inProcessFetch(simulator.fetch), clock));
  return { clock, simulator, knowledge: helpdesk.knowledge };
}

function stubbed(answers: Parameters<typeof stubFetch>[0]) {
  const { fetch, calls } = stubFetch(answers);
  const helpdesk = freshdesk.create(freshdesk.settings.parse(ENV), testDeps(fetch));
  return { knowledge: helpdesk.knowledge, paths: () => calls.map(({ path }) => path.replace('/api/v2', '')) };
}

describe('Freshdesk solutions', () => {
  it('are in the first language where the key may not see the others', async () => {
    const { simulator, knowledge } = setup('agent');
    fillKnowledge(simulator, ENV.FRESHDESK_BASE_URL);
    const { items, complete } = await readPass(knowledge, 'articles');
    expect([...new Set(items.map(({ locale }) => locale))]).toEqual(['en']);
    expect(items).toHaveLength(16);
    expect(complete).toBe(true);
  });

  it('are read in folders inside folders, once each, page by page', async () => {
    const article = { id: 1, title: 'T', description: 'B', status: 2, updated_at: '2026-11-01T00:00:00Z' };
    const next = 'https://acme.freshdesk.com/api/v2/solutions/folders/41/articles?page=2';
    const { knowledge, paths } = stubbed({
      'GET /api/v2/settings/helpdesk': json({}, 403),
      'GET /api/v2/solutions/categories': json([{ id: 3 }]),
      'GET /api/v2/solutions/categories/3/folders': json([{ id: 40, visibility: 1, sub_folders_count: 1 }]),
      'GET /api/v2/solutions/folders/40/subfolders': json([{ id: 41, visibility: 2 }]),
      'GET /api/v2/solutions/folders/40/articles': json([{ ...article, status: 1 }]),
      'GET /api/v2/solutions/folders/41/articles?per_page=100&page=1': json([article], 200, {
        link: `<${next}>;rel="next"`,
      }),
      'GET /api/v2/solutions/folders/41/articles?per_page=100&page=2': json([{ ...article, id: 2 }]),
    });
    const { items, complete } = await readPass(knowledge, 'articles');
    expect(items.map(({ id, restricted, url }) => [id, restricted, url])).toEqual([
      ['freshdesk/1', true, 'https://acme.freshdesk.com/support/solutions/articles/1'],
      ['freshdesk/2', true, 'https://acme.freshdesk.com/support/solutions/articles/2'],
    ]);
    expect(complete).toBe(true);
    expect(paths().filter((path) => path.includes('/articles'))).toHaveLength(3);
  });

  it('that cannot be seen are not taken for gone', async () => {
    const { knowledge } = stubbed({
      'GET /api/v2/settings/helpdesk': json({ primary_language: 'en', supported_languages: ['de'] }),
      'GET /api/v2/solutions/categories': json([{ id: 3 }]),
      'GET /api/v2/solutions/categories/3/folders': json([{ id: 40, visibility: 1 }]),
      'GET /api/v2/solutions/folders/40/articles?': json([]),
      'GET /api/v2/solutions/folders/40/articles/de': json({ code: 'require_feature' }, 403),
    });
    expect(await readPass(knowledge, 'articles')).toMatchObject({ complete: false, items: [] });
  });
});

describe('Freshdesk canned responses', () => {
  it('are asked for one by one where the folder does not hold their texts', async () => {
    const { knowledge } = stubbed({
      'GET /api/v2/canned_response_folders': json([
        { id: 1, personal: false },
        { id: 2, personal: true },
      ]),
      'GET /api/v2/canned_response_folders/1/responses': json([
        { id: 5, title: 'One' },
        { id: 6, title: 'Two', content: 'Two’s text' },
      ]),
      'GET /api/v2/canned_responses/5': json({ id: 5, title: 'One', content_html: '<p>One’s text</p>' }),
    });
    const { items } = await readPass(knowledge, 'canned');
    expect(items).toEqual([
      { id: 'freshdesk/5', title: 'One', body: '<p>One’s text</p>', updatedAt: null },
      { id: 'freshdesk/6', title: 'Two', body: 'Two’s text', updatedAt: null },
    ]);
  });
});

describe('Freshdesk solved tickets', () => {
  it('are read to the end when they are long', async () => {
    const { simulator, clock, knowledge } = setup();
    const id = simulator.addTicket({ subject: 'S', html: '<p>The very first question?</p>' });
    for (let index = 0; index < 130; index++) {
      simulator.customerReply(id, `<p>And what about ${index}?</p>`);
      await clock.advance(1000);
    }
    simulator.agentReply(id, ANSWER, { public: true });
    simulator.solve(id);
    await clock.advance(HOUR);
    const { items } = await readPass(knowledge, 'solved');
    expect(items[0]?.description).toContain('The very first question?');
    expect(items[0]?.reply).toContain('Battery');
  });

  it('that are archived meanwhile cost no others their place, nor one out of scope', async () => {
    const { simulator, clock, knowledge } = setup();
    const solve = (): string => {
      const id = simulator.addTicket({ subject: 'S', html: '<p>Why is that?</p>' });
      simulator.agentReply(id, ANSWER, { public: true });
      simulator.solve(id);
      return id;
    };
    const [kept, hidden] = [solve(), solve()];
    simulator.restrict(hidden);
    await clock.advance(HOUR);
    const { items, gone } = await readPass(knowledge, 'solved');
    expect(items.map(({ id }) => id)).toEqual([`freshdesk/${kept}`]);
    expect(gone).toEqual([`freshdesk/${hidden}`]);
  });
});
