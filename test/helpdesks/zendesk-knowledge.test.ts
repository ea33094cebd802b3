import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { zendesk } from '../../src/helpdesks/zendesk.ts';
import { fillKnowledge } from '../../src/sandbox/fill-knowledge.ts';
import { inProcessFetch } from '../../src/sandbox/server.ts';
import { createZendeskSimulator, type ZendeskSimulatorOptions } from '../../src/sandbox/zendesk.ts';
import { readPass } from '../contracts/knowledge.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { failure, json, never, stubFetch, testDeps } from './deps.ts';

const HOUR = 3_600_000;
const ENV = {
  ZENDESK_BASE_URL: 'https://acme.zendesk.com',
  ZENDESK_OAUTH_TOKEN: 'zendesk-simulator-oauth-token',
  ZENDESK_WEBHOOK_SECRET: 'webhook-secret-one',
  ZENDESK_REQUESTS_PER_MINUTE: '100000',
};
const ANSWER = '<p>Please open the settings, choose Battery, and set it to unrestricted; then sign in once more.</p>';

function setup(options: Partial<ZendeskSimulatorOptions> = {}) {
  const clock = fakeClock();
  const simulator = createZendeskSimulator({ clock, random: seededRandom(1), ...options });
  const seen: string[] = [];
  const inProcess = inProcessFetch(simulator.fetch);
  const fetch: typeof globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    seen.push(url.pathname.replace('/api/v2', '') + url.search);
    return inProcess(input, init);
  };
  const helpdesk = zendesk.create(zendesk.settings.parse(ENV), testDeps(fetch, clock));
  const solve = (question = 'It asks for my password each day. Why?', answer = ANSWER): string => {
    const id = simulator.addTicket({ subject: 'S', html: `<p>${question}</p>` });
    simulator.agentReply(id, answer, { public: true });
    simulator.solve(id);
    return id;
  };
  return { clock, simulator, seen, helpdesk, solve, knowledge: helpdesk.knowledge };
}

function stubbed(answers: Parameters<typeof stubFetch>[0]) {
  const { fetch, calls } = stubFetch(answers);
  const helpdesk = zendesk.create(zendesk.settings.parse(ENV), testDeps(fetch));
  return { knowledge: helpdesk.knowledge, paths: () => calls.map(({ path }) => path.replace('/api/v2', '')) };
}

describe('Zendesk articles', () => {
  const article = {
    id: 7,
    locale: 'en-us',
    title: 'T',
    body: 'B',
    draft: false,
    html_url: 'https://help.acme.com/hc/en-us/articles/7-T',
    updated_at: '2026-11-01T00:00:00Z',
    user_segment_id: null,
  };
  const translation = { locale: 'en-us', title: 'T', body: 'B', draft: false, updated_at: '2026-11-01T00:00:00Z' };
  const quiet = json({ count: 0, next_page: null, end_time: 1, articles: [] });

  it('are asked for in pages, with their translations, and then by change alone', async () => {
    const { simulator, clock, knowledge, seen } = setup();
    fillKnowledge(simulator, ENV.ZENDESK_BASE_URL);
    await clock.advance(HOUR);
    const first = await readPass(knowledge, 'articles');
    expect(seen).toEqual([
      '/help_center/articles.json?page%5Bsize%5D=100&include=translations&sort_by=created_at&sort_order=asc',
      `/help_center/incremental/articles.json?start_time=${clock.now() / 1000 - 300}&include=translations`,
    ]);
    await clock.advance(HOUR);
    seen.length = 0;
    const second = await readPass(knowledge, 'articles', first.cursor);
    expect([second.items, second.complete, second.pages]).toEqual([[], false, 1]);
    // an empty page ends in 1970: the next one does not begin there
    await readPass(knowledge, 'articles', second.cursor);
    expect(new Set(seen).size).toBe(1);
  });

  it('that change while all are listed are read at its end, wherever they have moved to', async () => {
    const { simulator, clock, knowledge } = setup();
    for (let id = 1; id <= 150; id++)
      simulator.helpCentre.addArticle({ id, folder: 'F', texts: [{ locale: 'en-US', title: 'T', html: 'old' }] });
    await clock.advance(HOUR);
    let changed = false;
    const { items } = await readPass(knowledge, 'articles', null, {
      between: () => {
        if (!changed) simulator.helpCentre.edit(3, { html: 'new' });
        changed = true;
      },
    });
    expect(items.filter(({ id }) => id === 'zendesk/3').map(({ body }) => body)).toEqual(['old', 'new']);
    expect(items).toHaveLength(151);
  });

  it('that do not say who may read them are restricted', async () => {
    const { user_segment_id: _, ...silent } = article;
    const { knowledge } = stubbed({
      'GET /api/v2/help_center/articles.json': json({
        articles: [
          { ...silent, translations: [translation] },
          { ...article, id: 8, user_segment_ids: [5], translations: [translation] },
          { ...article, id: 9, translations: [translation] },
        ],
      }),
      'GET /api/v2/help_center/incremental': quiet,
    });
    const { items } = await readPass(knowledge, 'articles');
    expect(items.map(({ id, restricted }) => [id, restricted])).toEqual([
      ['zendesk/7', true],
      ['zendesk/8', true],
      ['zendesk/9', false],
    ]);
    expect(items[0]).toMatchObject({ locale: 'en-US', url: article.html_url });
  });

  it('link a translation by id where its address is not told, on the host of the help centre', async () => {
    const { knowledge } = stubbed({
      'GET /api/v2/help_center/articles.json': json({
        articles: [{ ...article, translations: [translation, { ...translation, locale: 'pt-br' }] }],
      }),
      'GET /api/v2/help_center/incremental': quiet,
    });
    const { items } = await readPass(knowledge, 'articles');
    expect(items[1]).toMatchObject({ locale: 'pt-BR', url: 'https://help.acme.com/hc/pt-br/articles/7' });
  });

  it('end although the vendor names the same time again and again', async () => {
    const { knowledge, paths } = stubbed({
      'GET /api/v2/help_center/articles.json': json({ articles: [] }),
      'GET /api/v2/help_center/incremental': () =>
        json({
          articles: [{ ...article, translations: [translation] }],
          end_time: 1_700_000_000,
          next_page: 'https://acme.zendesk.com/api/v2/help_center/incremental/articles.json?start_time=1700000000',
        }),
    });
    expect((await readPass(knowledge, 'articles')).complete).toBe(true);
    expect(paths()).toHaveLength(2);
  });

  it('come in smaller pages when they are long', async () => {
    const huge = (): Response =>
      new Response('x'.repeat(9 * 1024 * 1024), { headers: { 'content-type': 'text/plain' } });
    const { knowledge, paths } = stubbed({
      'GET /api/v2/help_center/articles.json': [huge, () => json({ articles: [] })],
      'GET /api/v2/help_center/incremental': quiet,
    });
    await readPass(knowledge, 'articles');
    expect(paths().map((path) => /size%5D=(\d+)/.exec(path)?.[1])).toEqual(['100', '50', undefined]);
  });

  it('that meet the limit of the help centre hold up no ticket', async () => {
    const spent = {
      'retry-after': '60',
      'ratelimit-limit': '400',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '60',
    };
    const { fetch } = stubFetch({
      'GET /api/v2/help_center/articles.json': json({ error: 'APIRateLimitExceeded' }, 429, spent),
      'GET /api/v2/tickets/5.json': json({ error: 'RecordNotFound' }, 404),
    });
    const helpdesk = zendesk.create(zendesk.settings.parse(ENV), testDeps(fetch));
    expect((await failure(readPass(helpdesk.knowledge, 'articles'))).errorClass).toBe('rate_limited');
    expect((await failure(helpdesk.conversation('5', never))).errorClass).toBe('gone');
    expect(helpdesk.room()).toBeGreaterThan(0);
  });

  it('are counted apart: what is left of the help centre’s requests says nothing of those for tickets', async () => {
    const { helpdesk, knowledge, clock } = setup({ limits: 'vendor' });
    await readPass(knowledge, 'articles');
    expect(helpdesk.limits()).toMatchObject({ usedRequests: 0 });
    expect(helpdesk.limits().learnedPerMinute).toBeUndefined();
    await clock.advance(1000);
    await readPass(knowledge, 'canned');
    expect(helpdesk.limits()).toMatchObject({ usedRequests: 1, learnedPerMinute: 400 });
  });
});

describe('Zendesk solved tickets', () => {
  it('are searched for at first and followed by update then, whoever the credentials are', async () => {
    for (const role of ['agent', 'admin'] as const) {
      const { clock, knowledge, seen, solve } = setup({ role });
      const id = solve();
      await clock.advance(HOUR);
      const first = await readPass(knowledge, 'solved');
      expect(first.items.map((item) => item.id)).toEqual([`zendesk/${id}`]);
      expect(seen.map((path) => path.split('?')[0])).toEqual([
        '/search/export.json',
        '/tickets/show_many.json',
        `/tickets/${id}/comments.json`,
      ]);
      const later = solve();
      await clock.advance(HOUR);
      const second = await readPass(knowledge, 'solved', first.cursor);
      expect(second.items.map((item) => item.id)).toEqual([`zendesk/${later}`]);
    }
  });

  it('that the overlap of two passes lists twice are read once', async () => {
    const { clock, knowledge, seen, solve } = setup({ role: 'admin' });
    const id = solve();
    await clock.advance(120_000);
    const first = await readPass(knowledge, 'solved');
    await clock.advance(60_000);
    const second = await readPass(knowledge, 'solved', first.cursor);
    expect([first.items.length, second.items.length]).toEqual([1, 0]);
    expect(seen.filter((path) => path.startsWith(`/tickets/${id}/comments`))).toHaveLength(1);
    expect(seen.at(-1)).toMatch(/^\/incremental\/tickets\/cursor\.json/);
  });

  it('leave out what is merged, private or of a suspended requester', async () => {
    const { simulator, clock, knowledge, solve } = setup({ role: 'admin' });
    const [merged, kept] = [solve(), solve()];
    simulator.merge(merged, kept);
    const secret = simulator.addTicket({ subject: 'S', html: '<p>Why?</p>', public: false });
    simulator.agentReply(secret, ANSWER, { public: false });
    simulator.solve(secret);
    await clock.advance(HOUR);
    const { items } = await readPass(knowledge, 'solved');
    expect(items.map(({ id }) => id)).toEqual([`zendesk/${kept}`]);
  });

  it('have the first question also when a hundred comments follow', async () => {
    const { simulator, clock, knowledge } = setup({ role: 'admin' });
    const id = simulator.addTicket({ subject: 'S', html: '<p>The very first question?</p>' });
    for (let index = 0; index < 110; index++) {
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

  it('go when a text was redacted since', async () => {
    const ticket = { id: 5, subject: 'S', status: 'solved', requester_id: 1, updated_at: '2026-11-23T08:00:00Z' };
    const row = { ...ticket, created_at: '2026-11-01T00:00:00Z' };
    const comment = { author_id: 1, public: true, created_at: '2026-11-01T00:00:00Z' };
    const { knowledge } = stubbed({
      'GET /api/v2/search/export.json': json({ results: [row], meta: { has_more: false } }),
      'GET /api/v2/tickets/show_many.json': json({ tickets: [ticket], users: [{ id: 1, role: 'end-user' }] }),
      'GET /api/v2/tickets/5/comments.json': json({
        comments: [
          { ...comment, id: 10, html_body: '<p>My card is ▇▇▇▇▇▇▇▇, why is it refused?</p>' },
          { ...comment, id: 11, author_id: 2, html_body: ANSWER },
        ],
        users: [{ id: 2, role: 'agent' }],
      }),
    });
    const { items, gone } = await readPass(knowledge, 'solved');
    expect([items, gone]).toEqual([[], ['zendesk/5']]);
  });

  it('that none of them can be read is no matter of the tickets', async () => {
    const rows = [1, 2, 3].map((id) => ({
      id,
      status: 'solved',
      created_at: '2026-11-01T00:00:00Z',
      updated_at: '2026-11-23T08:00:00Z',
    }));
    const { knowledge } = stubbed({
      'GET /api/v2/search/export.json': json({ results: rows, meta: { has_more: false } }),
      'GET /api/v2/tickets/show_many.json': json({ tickets: rows, users: [] }),
      'GET /api/v2/tickets/': json({ of: 'a proxy' }),
    });
    expect((await failure(readPass(knowledge, 'solved'))).errorClass).toBe('invalid_response');
  });

  it('stop when told', async () => {
    const { knowledge } = setup();
    const cancelled = knowledge?.solved?.({ cursor: null, since: 0, signal: AbortSignal.abort() });
    expect((await failure(cancelled ?? Promise.resolve())).errorClass).toBe('cancelled');
    expect(never.aborted).toBe(false);
  });
});
