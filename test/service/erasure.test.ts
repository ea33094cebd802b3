import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BatchProgress } from '../../src/core/service-control.ts';
import type { TicketDetail } from '../../src/core/ticket.ts';
import { startProgram } from '../cli/program.ts';
import { ADMIN_TOKEN, startTestService, startVendors } from '../support/harness.ts';
import { tapWire } from '../support/wire.ts';

const OF_CANARY = 30;
const OF_OTHERS = 150;

it('erases a person while a drain goes on: nothing of it is left in the files, a later webhook works', async () => {
  await using vendors = await startVendors({ latencyMs: 30 });
  let canaryId = '';
  const wire = await tapWire(vendors.zendesk.fetch, (text) => {
    canaryId ||=
      /"requester_id":(\d+)[^{}]*"subject":"canary|"subject":"canary[^{}]*"requester_id":(\d+)/
        .exec(text)
        ?.slice(1)
        .find(Boolean) ?? '';
    return text;
  });
  const env = { ...vendors.env, ZENDESK_BASE_URL: wire.url };
  await using running = await startTestService(env);
  const { admin, service } = running;
  const found = (word: string): number =>
    readdirSync(vendors.folder).reduce(
      (sum, file) => sum + readFileSync(join(vendors.folder, file), 'latin1').split(word).length - 1,
      0,
    );
  const add = (word: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) =>
      vendors.zendesk.addTicket({
        subject: `${word} question ${index}`,
        html: `<p>Where is my ${word} order ${index}?</p>`,
        requester: { name: `${word} Person`, email: `${word}@people.example` },
      }),
    );
  const canaries = add('canary', OF_CANARY);
  const others = add('finch', OF_OTHERS);
  const ticketIds = [...canaries, ...others];
  const { body } = await admin.post<{ id: string }>('/admin/batches', { helpdesk: 'zendesk', ticketIds });
  const asked = (): number => vendors.llm.prompts.filter((prompt) => prompt.includes('canary question')).length;
  while (asked() < OF_CANARY) await admin.get('/admin/progress');
  expect(found('canary question')).toBeGreaterThan(0);

  const { code, stdout, stderr } = await startProgram(['erase', 'zendesk', canaryId, '--json'], {
    cwd: vendors.folder,
    env: { DRAFTDESK_URL: service.url, ADMIN_TOKEN },
  }).ended;
  expect([code, stderr]).toEqual([0, '']);
  const answer = JSON.parse(stdout) as { removed: { tickets: number }; notRemoved: string[] };
  expect(answer.removed.tickets).toBeGreaterThan(0);
  expect(answer.notRemoved[0]).toContain('Private notes');
  expect(found('canary question')).toBe(0);

  let batch: BatchProgress;
  do batch = await admin.get<BatchProgress>(`/admin/batches/${body.id}`);
  while (batch.state !== 'completed');
  expect(found('canary question')).toBe(0);
  expect(found('finch question')).toBeGreaterThan(OF_OTHERS);
  expect(batch.total).toBe(OF_CANARY + OF_OTHERS);
  expect(batch.counts.posted + batch.counts.cancelled + batch.counts.skipped).toBe(OF_CANARY + OF_OTHERS);
  expect(batch.counts.posted).toBeGreaterThanOrEqual(OF_OTHERS);
  for (const id of canaries) {
    const ticket = await admin.get<TicketDetail>(`/admin/tickets/zendesk/${id}`);
    expect(ticket).toMatchObject({ ticketId: id, subject: null, draft: null, textRemovedAt: expect.any(String) });
    expect(vendors.zendesk.notes(id).length).toBe(ticket.status === 'posted' ? 1 : 0);
  }

  vendors.zendesk.connect({ url: `${service.url}/webhooks/zendesk`, fetch });
  const [first = ''] = canaries;
  const notes = vendors.zendesk.notes(first).length;
  vendors.zendesk.customerReply(first, '<p>Hello again, where is it now?</p>');
  await admin.until(() => vendors.zendesk.notes(first).length === notes + 1);
  await wire.close();
});
