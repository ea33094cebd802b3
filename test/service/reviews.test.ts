import { expect, it } from 'vitest';
import { ADMIN_TOKEN, adminClient, PATIENT, startTestService, startVendors } from '../support/harness.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import type { TicketDetail } from '../../src/core/ticket.ts';

/* REVIEW_MODEL and QUERY_MODEL in the whole service. The first two tests run the bundle. */

const REVIEW_MODEL = 'gpt-5.4-mini';
const WORKERS = 8;
const TICKETS = 60;

it('buys nothing again that is stored, however often the process is killed between draft, review and note', async () => {
  let service: ServiceProcess | undefined;
  let reviews = 0;
  await using vendors = await startVendors({
    latencyMs: 20,
    onLlmCall: (body) => {
      if (!body.includes(`"model":"${REVIEW_MODEL}"`)) return;
      reviews += 1;
      if ([5, 25, 45].includes(reviews)) service?.signal('SIGKILL');
    },
  });
  const { zendesk, llm } = vendors;
  const env = { ...vendors.env, ...PATIENT, LOG_LEVEL: 'info', REVIEW_MODEL, WORKER_CONCURRENCY: String(WORKERS) };
  const serve = (): Promise<string> => {
    service = startServiceProcess(env, { cwd: vendors.folder });
    return service.listening();
  };
  let url = await serve();
  await adminClient(url).post('/admin/pause');
  const ids = Array.from({ length: TICKETS }, (_, index) =>
    zendesk.addTicket({ subject: `Question ${index}`, html: '<p>Where is my order?</p>' }),
  );
  const admin = adminClient(url);
  await Promise.all(ids.map((id) => admin.webhook('zendesk', zendesk.webhookFor(id, 'ticket.created'))));
  await admin.post('/admin/resume');
  for (let death = 0; death < 3; death += 1) {
    await service?.exited;
    url = await serve();
  }
  const after = adminClient(url);
  await after.until(({ posted }) => posted === TICKETS);
  expect(ids.filter((id) => zendesk.notes(id).length !== 1)).toEqual([]);
  const tickets = await Promise.all(ids.map((id) => after.get<TicketDetail>(`/admin/tickets/zendesk/${id}`)));
  const verdicts = tickets.map(({ draft }) => draft?.review?.verdict);
  const revised = verdicts.filter((verdict) => verdict === 'revised').length;
  expect(verdicts.filter((verdict) => verdict === 'passed').length + revised).toBe(TICKETS);
  expect(revised).toBeGreaterThan(0);
  // what was in hand at a death is all that may be asked for twice
  const { byModel } = llm.stats();
  const again = 3 * WORKERS;
  expect(byModel[REVIEW_MODEL]).toBeGreaterThanOrEqual(TICKETS);
  expect(byModel[REVIEW_MODEL]).toBeLessThanOrEqual(TICKETS + again);
  expect(byModel[llm.models[0] ?? '']).toBeLessThanOrEqual(TICKETS + revised + again);
  for (const { attempts } of tickets) {
    const bought = attempts.filter(({ outcome }) => outcome === 'ok').map(({ stage }) => stage);
    expect(new Set(bought).size).toBe(bought.length);
  }
  await service?.kill();
}, 90_000);

it('asks once what to look for, however often the process is killed between that, the draft and the note', async () => {
  let service: ServiceProcess | undefined;
  let calls = 0;
  await using vendors = await startVendors({
    latencyMs: 20,
    onLlmCall: () => {
      calls += 1;
      if ([20, 45, 65].includes(calls)) service?.signal('SIGKILL');
    },
  });
  const { zendesk, llm } = vendors;
  const env = {
    ...vendors.env,
    ...PATIENT,
    LOG_LEVEL: 'info',
    QUERY_MODEL: REVIEW_MODEL,
    WORKER_CONCURRENCY: String(WORKERS),
  };
  const serve = (): Promise<string> => {
    service = startServiceProcess(env, { cwd: vendors.folder });
    return service.listening();
  };
  let url = await serve();
  const admin = adminClient(url);
  await admin.post('/admin/pause');
  const article = { id: 'zip', title: 'Zip', body: 'Wax.' };
  await fetch(`${url}/admin/knowledge/articles`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/x-ndjson' },
    body: `${JSON.stringify(article)}\n`,
  });
  const ids = Array.from({ length: 40 }, (_, index) =>
    zendesk.addTicket({ subject: `Question ${index}`, html: '<p>Where is my order?</p>' }),
  );
  await Promise.all(ids.map((id) => admin.webhook('zendesk', zendesk.webhookFor(id, 'ticket.created'))));
  await admin.post('/admin/resume');
  for (let death = 0; death < 3; death += 1) {
    await service?.exited;
    url = await serve();
  }
  const after = adminClient(url);
  await after.until(({ posted }) => posted === ids.length);
  expect(ids.filter((id) => zendesk.notes(id).length !== 1)).toEqual([]);
  const tickets = await Promise.all(ids.map((id) => after.get<TicketDetail>(`/admin/tickets/zendesk/${id}`)));
  for (const { attempts } of tickets) {
    const bought = attempts.filter(({ outcome }) => outcome === 'ok').map(({ stage }) => stage);
    expect(bought).toEqual(['query', 'draft', 'post']);
  }
  // what was in hand at a death is all that may be asked for twice
  const { byModel } = llm.stats();
  expect(byModel[REVIEW_MODEL]).toBeLessThanOrEqual(ids.length + 3 * WORKERS);
  expect(byModel[llm.models[0] ?? '']).toBeLessThanOrEqual(ids.length + 3 * WORKERS);
  await service?.kill();
}, 90_000);

it('reviews a batch of the economy lane by calls of its own', async () => {
  await using vendors = await startVendors({ batchTimes: { validatingMs: 20, runningMs: 20, finalizingMs: 20 } });
  const { zendesk, llm } = vendors;
  await using running = await startTestService({ ...vendors.env, ...PATIENT, REVIEW_MODEL });
  const ticketIds = Array.from({ length: 5 }, (_, index) =>
    zendesk.addTicket({ subject: `Question ${index}`, html: '<p>Where is my order?</p>' }),
  );
  await running.admin.post('/admin/batches', { helpdesk: 'zendesk', ticketIds, lane: 'economy' });
  await running.admin.until(({ posted }) => posted === 5);
  expect(llm.stats().byModel[REVIEW_MODEL]).toBe(5);
  // the Batch API has drafted, and the reviews have asked for the flex price
  expect(llm.stats().flex).toBeGreaterThanOrEqual(5);
}, 60_000);
