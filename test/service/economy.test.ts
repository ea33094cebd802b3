import { expect, it } from 'vitest';
import type { BatchProgress } from '../../src/core/service-control.ts';
import { type RunningService, startTestService, startVendors } from '../support/harness.ts';

const TICKETS = 120;

it('brings a batch of the economy lane through restarts: each ticket one note, each line paid once', async () => {
  await using vendors = await startVendors({ batchTimes: { validatingMs: 50, runningMs: 300, finalizingMs: 50 } });
  const env = { ...vendors.env, SHUTDOWN_GRACE_MS: '0' };
  let running: RunningService = await startTestService(env);
  const restart = async (): Promise<void> => {
    await running[Symbol.asyncDispose]();
    running = await startTestService(env);
  };
  const ids = Array.from({ length: TICKETS }, (_, index) =>
    vendors.zendesk.addTicket({ subject: `Order ${index}`, html: `<p>Where is my order ${index}?</p>` }),
  );
  const request = { helpdesk: 'zendesk', ticketIds: ids, lane: 'economy' };
  const { body } = await running.admin.post<{ id: string }>('/admin/batches', request);
  const until = async (wanted: (batch: BatchProgress) => boolean): Promise<BatchProgress> => {
    for (;;) {
      const batch = await running.admin.get<BatchProgress>(`/admin/batches/${body.id}`);
      if (wanted(batch)) return batch;
    }
  };

  await until(({ counts }) => counts.drafting > 50);
  expect(vendors.llm.stats().batches.batches).toBe(0);
  await restart();
  const sent = await until(({ economy }) => economy !== null);
  expect(sent.waitingFor).toContain("the provider's Batch API: 0 of 1 batches done");
  await restart();
  await until(({ counts }) => counts.drafting < TICKETS);
  await restart();
  const batch = await until(({ state }) => state === 'completed');

  expect(batch.counts).toMatchObject({ posted: TICKETS, dead: 0 });
  expect(ids.map((id) => vendors.zendesk.notes(id).length)).toEqual(ids.map(() => 1));
  const { requests, batches, completionTokens } = vendors.llm.stats();
  expect({ requests, lines: batches.lines }).toEqual({ requests: 0, lines: TICKETS });
  expect(batch.spent.completionTokens).toBe(completionTokens);
  // the texts of tickets do not stay at the provider
  await until(({ economy }) => economy?.done === economy?.sent);
  expect(vendors.llm.stats().batches.kept).toBe(0);
}, 60_000);
