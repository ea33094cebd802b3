import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../src/core/errors.ts';
import { makeDraft, makeRules } from '../support/factories.ts';
import { makeBatchProgress, makeDetail, makeRound, makeStory, zeroCounts } from '../support/fakes.ts';
import { ADMIN_TOKEN, testApp, VIEWER_TOKEN } from './test-app.ts';

/* Tickets and batches of the console, without a browser: what reaches the ports, and what is said when it may not. */

const SAME = { host: 'drafts.acme.example', 'sec-fetch-site': 'same-origin' };

async function signedIn(token = ADMIN_TOKEN, parts = testApp()) {
  const answer = await parts.app.request('/login', {
    method: 'POST',
    headers: SAME,
    body: new URLSearchParams({ token }),
  });
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  const read = async (response: Response) => ({
    status: response.status,
    to: response.headers.get('location'),
    text: await response.text(),
  });
  return {
    parts,
    get: async (path: string) => read(await parts.app.request(path, { headers: { ...SAME, cookie } })),
    post: async (path: string, fields: Readonly<Record<string, string>> = {}) =>
      read(
        await parts.app.request(path, {
          method: 'POST',
          headers: { ...SAME, cookie },
          body: new URLSearchParams(fields),
        }),
      ),
  };
}

const IDS = { helpdesk: 'zendesk', from: 'ids', ids: '1 2', post: 'auto', lane: 'standard', skipDrafted: 'on' };
const estimatedIn = (text: string): string => /name="estimated" value="(\w+)"/.exec(text)?.[1] ?? '';

describe('tickets', () => {
  it.each([
    ['', {}],
    ['?q=&status=&helpdesk=&batch=', {}],
    ['?q=+', {}],
    ['?q=+%23515+&status=dead&helpdesk=zendesk', { search: '#515', status: 'dead', helpdesk: 'zendesk' }],
    ['?batch=b1', { batchId: 'b1' }],
  ])('/tickets%s asks the reader for that', async (query, wanted) => {
    const { parts, get } = await signedIn();
    expect((await get(`/tickets${query}`)).status).toBe(200);
    expect(parts.reader.queries).toEqual([{ limit: 50, ...wanted }]);
  });

  it('goes on where a page ended, in the same list only', async () => {
    const { parts, get } = await signedIn();
    parts.reader.nextCursor = 'c1';
    const { text } = await get('/tickets?status=dead');
    const next = /href="(\/tickets\?[^"]*cursor=[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect((await get(next)).status).toBe(200);
    expect(parts.reader.queries.at(-1)).toEqual({ limit: 50, status: 'dead', cursor: 'c1' });
    expect((await get(next.replace('status=dead', 'status=posted'))).status).toBe(400);
  });

  it.each(['?status=lost', '?colour=red', '?q=1&q=2'])('/tickets%s is refused', async (query) => {
    const { get } = await signedIn();
    expect((await get(`/tickets${query}`)).status).toBe(400);
  });

  it('says in a sentence that a ticket is not known, or is not to be retried', async () => {
    const { parts, get, post } = await signedIn();
    expect(await get('/tickets/zendesk/404')).toMatchObject({ status: 404 });
    parts.outbox.action = { kind: 'conflict', status: 'posted' };
    const { status, text } = await post('/tickets/zendesk/5158/retry');
    expect(status).toBe(409);
    expect(text).toContain('Only a dead, cancelled or skipped ticket can be retried; this one is posted.');
    expect(parts.audit.written.at(-1)).toMatchObject({ subject: 'zendesk/5158', outcome: 'conflict' });
    parts.outbox.action = { kind: 'unknown' };
    expect((await post('/tickets/zendesk/5158/post')).status).toBe(404);
  });

  it('says that a wish is done', async () => {
    const { get, post } = await signedIn();
    for (const [action, say] of [
      ['retry', 'It is back in the queue.'],
      ['post', 'The draft goes to the helpdesk as a private note.'],
    ] as const) {
      expect(await post(`/tickets/zendesk/5158/${action}`)).toMatchObject({ status: 303, to: '/tickets/zendesk/5158' });
      expect((await get('/tickets/zendesk/5158')).text).toContain(say);
    }
  });

  it('leads to the trace where NOTE_TRACE_LINK says where that is', async () => {
    const noteTraceLink = 'https://grafana.acme.example/trace/{traceId}';
    const { get } = await signedIn(ADMIN_TOKEN, testApp({ noteTraceLink }));
    const link = 'href="https://grafana.acme.example/trace/0123456789abcdef0123456789abcdef"';
    expect((await get('/tickets/zendesk/5158')).text).toContain(link);
    const plain = await signedIn();
    expect((await plain.get('/tickets/zendesk/5158')).text).toContain('<code>0123456789abcdef0123456789abcdef</code>');
  });

  it('says what rules have decided, and shows those in force', async () => {
    const rules = makeRules(
      [{ name: 'trial', when: { tag: ['<b>vip'] }, percent: 20, control: 10, guidelines: 'x' }],
      ['spam'],
    );
    const { parts, get } = await signedIn(ADMIN_TOKEN, testApp({ rules }));
    const settings = (await get('/settings')).text;
    expect(settings).toContain('0123456789ab');
    expect(settings).toContain('tag &lt;b&gt;vip');
    expect(settings).toContain(
      'a draft for 20 % of requesters, 10 % of them control group, with guidelines of its own',
    );
    expect(settings).toContain('It is about spam.');
    const versions = { prompt: 'p1', guidelines: null, rules: 'r1', model: 'm', knowledge: null };
    const draft = {
      ...makeDraft({ versions: { ...versions, rule: 'trial', category: 'spam' } }),
      version: 1,
      conversationVersion: 'v1',
      seenMessageId: null,
    };
    const round = makeRound();
    parts.reader.told = makeStory({ rounds: [round], drafts: [{ ...draft, roundId: round.id, createdAt: 0 }] });
    const { text } = await get('/tickets/zendesk/5158');
    expect(text).toMatch(/Rule<\/dt>\s*<dd[^>]*>trial/);
    expect(text).toContain('rules r1');
    expect((await (await signedIn()).get('/settings')).text).not.toContain('read again on');
  });

  it('names the rule that has kept a ticket back', async () => {
    const { parts, get } = await signedIn();
    const kept = makeDetail({ status: 'skipped', reason: 'control_group', rule: '<b>trial', draft: null });
    parts.reader.known.set('zendesk 5158', kept);
    const { text } = await get('/tickets/zendesk/5158');
    expect(text).toContain('counted, and given nothing (&lt;b&gt;trial)');
  });

  it('links no source but one of the web', async () => {
    const { parts, get } = await signedIn();
    const source = { kind: 'article', id: '1', quote: '', restricted: false, share: 0.4, votes: 3 } as const;
    const sources = [
      { ...source, title: 'Good', url: 'https://help.acme.example/1' },
      { ...source, title: 'Bad', url: 'javascript:alert(1)' },
    ];
    const versions = { prompt: 'p1', guidelines: null, rules: null, model: 'm', knowledge: 'k1' };
    const draft = { ...makeDraft({ sources, versions }), version: 1, conversationVersion: 'v1', seenMessageId: null };
    const round = makeRound();
    parts.reader.told = makeStory({ rounds: [round], drafts: [{ ...draft, roundId: round.id, createdAt: 0 }] });
    const { text } = await get('/tickets/zendesk/5158');
    expect(text).toContain('href="https://help.acme.example/1"');
    expect(text).toContain('Bad');
    expect(text).toContain('prompt p1, knowledge k1');
    expect(text).not.toContain('javascript:');
  });
});

describe('batches', () => {
  it('takes what the buttons send', async () => {
    const { parts, post } = await signedIn();
    for (const action of ['pause', 'resume', 'retry', 'release'])
      expect(await post(`/batches/b1/${action}`)).toMatchObject({ status: 303, to: '/batches/b1' });
    await post('/batches/b1/retry', { errorClass: 'timeout' });
    await post('/batches/b1/release', { minConfidence: '70' });
    expect(parts.outbox.batchActions).toEqual([
      'pause b1',
      'resume b1',
      'retry b1 null',
      'release b1 null',
      'retry b1 timeout',
      'release b1 0.7',
    ]);
    expect(await post('/batches/b1/cancel')).toMatchObject({ status: 303 });
    expect(parts.control.calls).toContain('cancel b1');
  });

  it.each([
    ['retry', { errorClass: 'everything' }],
    ['release', { minConfidence: 'high' }],
    ['release', { minConfidence: '101' }],
  ])('does not take a %s of %j for all', async (action, fields) => {
    const { parts, post } = await signedIn();
    expect((await post(`/batches/b1/${action}`, fields)).status).toBe(400);
    expect(parts.outbox.batchActions).toEqual([]);
  });

  it('says that a batch which is over cannot be cancelled', async () => {
    const { parts, post } = await signedIn();
    parts.control.batch = makeBatchProgress({ state: 'completed' });
    const { status, text } = await post('/batches/b1/cancel');
    expect(status).toBe(409);
    expect(text).toContain('The batch is completed: cancel is not possible.');
  });

  it('shows a viewer no form, and starts nothing for one', async () => {
    const { parts, get, post } = await signedIn(VIEWER_TOKEN);
    parts.control.batch = makeBatchProgress({ post: 'hold', counts: { ...zeroCounts(), dead: 1 } });
    for (const path of ['/batches', '/batches/new', '/batches/b1', '/tickets/zendesk/5158'])
      expect((await get(path)).text.match(/<form[^>]*>/g)).toEqual(['<form method="post" action="/logout">']);
    expect((await post('/batches', IDS)).status).toBe(403);
    expect(parts.control.started).toEqual([]);
  });

  it('starts what was estimated, and nothing else', async () => {
    const { parts, post } = await signedIn();
    const first = await post('/batches', IDS);
    expect(first).toMatchObject({ status: 200 });
    expect(first.text).toContain('Start with 2 tickets');
    const estimated = estimatedIn(first.text);
    const changed = await post('/batches', { ...IDS, ids: '1 2 3', estimated });
    expect(changed.text).toContain('The form has changed since the last estimate.');
    expect(parts.control.started).toEqual([]);
    expect(await post('/batches', { ...IDS, name: 'July', estimated })).toMatchObject({ to: '/batches/b1' });
    expect(parts.control.started).toMatchObject([{ ticketIds: ['1', '2'], name: 'July' }]);
    expect(parts.audit.written.at(-1)).toMatchObject({ action: 'POST /batches', subject: 'b1', outcome: 'ok' });
  });

  it('says beside the fields what the helpdesk, or the settings, have against it', async () => {
    const { parts, post } = await signedIn();
    const refusal = 'The filter\'s "group" must be the id of a group.';
    parts.control.upstreamError = new UpstreamError('invalid_request', refusal, { upstream: 'zendesk' });
    const answer = await post('/batches/estimate', { ...IDS, from: 'filter', group: 'x' });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('must be the id of a group.');
    parts.control.upstreamError = new UpstreamError('timeout', 'zendesk gave no answer.', { upstream: 'zendesk' });
    expect((await post('/batches/estimate', IDS)).text).toContain('zendesk gave no answer.');
    parts.control.upstreamError = null;
    parts.control.priced = false;
    expect((await post('/batches/estimate', { ...IDS, budgetUsd: '5' })).text).toContain('cannot be kept');
  });

  it('hands out the results', async () => {
    const { parts, get } = await signedIn();
    const result = { id: '1', status: 'posted', draft: 'Hello', error: null, attempts: 2, durationMs: 5 } as const;
    parts.reader.results = [{ ...result, sources: [], unproven: [], versions: null, textRemovedAt: null }];
    expect(JSON.parse((await get('/batches/b1/results.ndjson')).text)).toMatchObject({ id: '1', draft: 'Hello' });
    expect((await get('/batches/b2/results.ndjson')).status).toBe(404);
  });
});
