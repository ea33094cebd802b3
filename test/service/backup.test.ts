import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, startTestService, startVendors } from '../support/harness.ts';
import { finished } from '../support/finished.ts';

async function saveBackup(url: string, path: string): Promise<void> {
  const response = await fetch(`${url}/admin/backup`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  expect(response.status).toBe(200);
  writeFileSync(path, await response.bytes());
}

/** Ids of the tickets in a backup that is whole. */
function ticketsIn(path: string): readonly { helpdesk: 'zendesk' | 'freshdesk'; ticketId: string }[] {
  const database = new Database(path, { readonly: true });
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  const rows = database.prepare('SELECT helpdesk, ticket_id AS ticketId FROM ticket').all();
  database.close();
  return rows as ReturnType<typeof ticketsIn>;
}

describe('promise 5', () => {
  it('a restore never doubles: what was posted since the backup is found, what was not gets its note', async () => {
    await using vendors = await startVendors({ latencyMs: 20 });
    const total = 60;
    const copy = join(vendors.folder, 'copy.db');
    {
      await using running = await startTestService(vendors.env);
      const { url } = running.service;
      for (const simulator of [vendors.zendesk, vendors.freshdesk]) {
        simulator.connect({ url: `${url}/webhooks/${simulator.name}`, fetch });
        for (let count = 0; count < total / 2; count++)
          simulator.addTicket({ subject: `Question ${count}`, html: '<p>Where is my parcel, please?</p>' });
      }
      await running.admin.until((counts) => finished(counts) >= total / 4);
      await saveBackup(url, copy);
      await running.admin.until((counts) => finished(counts) >= (total * 3) / 4);
      for (const simulator of [vendors.zendesk, vendors.freshdesk]) simulator.disconnect();
    }
    const held = ticketsIn(copy);
    expect(held.length).toBeGreaterThan(total / 4);
    const database = join(vendors.folder, 'test.db');
    for (const name of readdirSync(vendors.folder)) {
      if (name.startsWith('test.db')) rmSync(join(vendors.folder, name));
    }
    cpSync(copy, database);

    await using restored = await startTestService(vendors.env);
    await restored.admin.until((counts) => finished(counts) === held.length);
    for (const { helpdesk, ticketId } of held) {
      expect(vendors[helpdesk].notes(ticketId), `${helpdesk} ${ticketId}`).toHaveLength(1);
    }
    for (const simulator of [vendors.zendesk, vendors.freshdesk]) {
      for (const id of simulator.ticketIds()) expect(simulator.notes(id).length).toBeLessThanOrEqual(1);
    }
    expect(restored.observer.events.filter((event) => event.name === 'alarm')).toEqual([]);
  }, 60_000);

  it('is whole although webhooks come all the while, and one at a time', async () => {
    await using vendors = await startVendors();
    await using running = await startTestService(vendors.env);
    await running.admin.post('/admin/pause');
    const { url } = running.service;
    let over = false;
    let accepted = 0;
    const send = async (): Promise<void> => {
      while (!over) {
        const id = vendors.zendesk.addTicket({ subject: 'x', html: `<p>Is it blue? ${'Really. '.repeat(100)}</p>` });
        const call = vendors.zendesk.webhookFor(id, 'ticket.created');
        expect((await running.admin.webhook('zendesk', call)).status).toBe(202);
        accepted += 1;
      }
    };
    const senders = Array.from({ length: 16 }, send);
    const copies = ['a.db', 'b.db', 'c.db'].map((name) => join(vendors.folder, name));
    let before = 0;
    for (const copy of copies) {
      await running.admin.until((counts) => counts.queued >= before + 200);
      before = accepted;
      await saveBackup(url, copy);
      expect(ticketsIn(copy).length).toBeGreaterThanOrEqual(before);
    }
    over = true;
    await Promise.all(senders);
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const both = await Promise.all([1, 2].map(() => fetch(`${url}/admin/backup`, { method: 'POST', headers })));
    await Promise.all(both.map((response) => response.arrayBuffer()));
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    expect(readdirSync(vendors.folder).filter((name) => name.includes('backup'))).toEqual([]);
  }, 60_000);
});
