import { expect, it } from 'vitest';
import type { EmbeddingProgress } from '../../src/core/vector-store.ts';
import { adminClient, ADMIN_TOKEN, PATIENT, startTestService, startVendors } from '../support/harness.ts';
import { startServiceProcess } from '../support/service-process.ts';

/* EMBEDDINGS_MODEL in the whole service. The first test runs the bundle. */

const EMBEDDINGS_MODEL = 'text-embedding-3-small';
/** Texts of one call. */
const GROUP = 32;
const SOLVED = 400;

interface Knowledge {
  readonly vectors?: EmbeddingProgress;
}

async function bring(url: string, kind: 'articles' | 'solved', items: readonly object[]): Promise<void> {
  const response = await fetch(`${url}/admin/knowledge/${kind}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/x-ndjson' },
    body: items.map((item) => JSON.stringify(item)).join('\n'),
  });
  expect(response.status).toBe(200);
}

const solved = (index: number) => ({
  id: `t${index}`,
  subject: `Ticket number ${index}`,
  description: `The parcel ${index} has not come.`,
  reply: 'It is on its way.',
  customer: `c${index}`,
  solvedAt: '2026-01-01T00:00:00Z',
});
const ARTICLE = {
  id: 'parcel',
  title: 'Where is my parcel?',
  body: '<p>Look at the tracking page.</p>',
  url: 'https://help.example/parcel',
};

it('killed in the middle of the filling, it goes on where it was, and ends at once when told', async () => {
  await using vendors = await startVendors();
  const env = {
    ...vendors.env,
    ...PATIENT,
    LOG_LEVEL: 'info',
    EMBEDDINGS_MODEL,
    EMBEDDINGS_REQUESTS_PER_MINUTE: '600',
  };
  const first = startServiceProcess(env, { cwd: vendors.folder });
  const url = await first.listening();
  await bring(url, 'articles', [ARTICLE]);
  await bring(
    url,
    'solved',
    Array.from({ length: SOLVED }, (_, index) => solved(index)),
  );
  const vectorsAt = async (at: string): Promise<EmbeddingProgress | undefined> =>
    (await adminClient(at).get<Knowledge>('/admin/knowledge')).vectors;
  const { embeddings } = vendors.llm.stats();
  const deadline = AbortSignal.timeout(60_000);
  while (embeddings.texts.length < 3 * GROUP) {
    deadline.throwIfAborted();
    await vectorsAt(url);
  }
  await first.kill();
  const before = new Set(vendors.llm.stats().embeddings.texts).size;
  expect(before).toBeLessThan(SOLVED);

  const second = startServiceProcess(env, { cwd: vendors.folder });
  const again = await second.listening();
  let vectors = await vectorsAt(again);
  for (; vectors?.state !== 'full'; vectors = await vectorsAt(again)) deadline.throwIfAborted();
  expect(vectors).toEqual({
    model: EMBEDDINGS_MODEL,
    state: 'full',
    wanted: SOLVED + 1,
    made: SOLVED + 1,
    refused: 0,
    error: null,
  });
  const { texts } = vendors.llm.stats().embeddings;
  expect(new Set(texts).size).toBe(SOLVED + 1);
  // what was on its way when it was killed
  expect(texts.length).toBeLessThanOrEqual(SOLVED + 1 + GROUP);
  await bring(
    again,
    'solved',
    Array.from({ length: SOLVED + 1 }, (_, index) => solved(index)),
  );
  const at = performance.now();
  second.signal('SIGTERM');
  expect((await second.exited)[0]).toBe(0);
  expect(performance.now() - at).toBeLessThan(15_000);
}, 90_000);

it('drafts all the same while the server of embeddings refuses, and asks each question once when it is well', async () => {
  await using vendors = await startVendors();
  const env = { ...vendors.env, ...PATIENT, EMBEDDINGS_MODEL };
  await using running = await startTestService(env);
  const { service, admin, observer } = running;
  await bring(service.url, 'articles', [ARTICLE]);
  const vectors = async () => (await admin.get<Knowledge>('/admin/knowledge')).vectors;
  while ((await vectors())?.made !== 1) expect((await vectors())?.state).not.toBe('stopped');
  vendors.zendesk.connect({ url: `${service.url}/webhooks/zendesk`, fetch });
  const add = (word: string): string =>
    vendors.zendesk.addTicket({ subject: `Where is my ${word}?`, html: `<p>My ${word} has not come.</p>` });
  const good = add('parcel');
  await admin.until((counts) => counts.posted + counts.skipped === 1);
  expect(vendors.zendesk.notes(good)).toHaveLength(1);
  const asked = vendors.llm.stats().embeddings.texts.filter((text) => text.startsWith('Where is my parcel?\nMy'));
  expect(asked).toHaveLength(1);
  vendors.llm.overload(EMBEDDINGS_MODEL, true);
  const bad = add('letter');
  await admin.until((counts) => counts.posted + counts.skipped === 2);
  expect(vendors.zendesk.notes(bad)).toHaveLength(1);
  expect(observer.events).toContainEqual(
    expect.objectContaining({ name: 'embedding', purpose: 'question', errorClass: 'overloaded' }),
  );
  expect((await admin.get<{ paused: boolean }>('/admin/progress')).paused).toBe(false);
});

it('makes no call and keeps no vector without the setting', async () => {
  await using vendors = await startVendors();
  await using running = await startTestService({ ...vendors.env, ...PATIENT });
  await bring(running.service.url, 'articles', [ARTICLE]);
  expect(await running.admin.get<Knowledge>('/admin/knowledge')).not.toHaveProperty('vectors');
  await fetch(`${running.service.url}/admin/knowledge/search?q=parcel`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  expect(vendors.llm.stats().embeddings.requests).toBe(0);
});

it('starts with a model of an unknown price, and says that the budget of the day does not count it', async () => {
  await using vendors = await startVendors();
  const env = { ...vendors.env, LLM_DAILY_BUDGET_USD: '5', EMBEDDINGS_MODEL: 'my-own' };
  await using running = await startTestService(env);
  expect(running.observer.events).toContainEqual({
    name: 'alarm',
    kind: 'settings',
    detail: 'LLM_DAILY_BUDGET_USD does not count EMBEDDINGS_MODEL: the price of my-own is not known',
  });
});
