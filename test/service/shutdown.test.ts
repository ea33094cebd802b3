import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TicketDetail } from '../../src/core/ticket.ts';
import { ADMIN_TOKEN, adminClient, PATIENT, startVendors, type Vendors } from '../support/harness.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';

/* Promise 10: the bundled program is told to stop while everything hangs. `npm test` bundles first. */

const GRACE_MS = 1_000;
/** The promise is one second; the rest is for a machine that is busy with other tests. */
const PATIENCE_MS = 10_000;
const TICKETS = 8;
const WATCHERS = 50;

describe('told to stop', () => {
  let vendors: Vendors;
  const running: ServiceProcess[] = [];
  const sockets: Socket[] = [];

  beforeEach(async () => {
    vendors = await startVendors();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const process of running.splice(0)) await process.kill();
    await vendors[Symbol.asyncDispose]();
  });

  const serve = (graceMs: number): ServiceProcess => {
    const settings = { ...PATIENT, LOG_LEVEL: 'info', LLM_TIMEOUT_MS: '600000', SHUTDOWN_GRACE_MS: String(graceMs) };
    const process = startServiceProcess({ ...vendors.env, ...settings }, { cwd: vendors.folder });
    running.push(process);
    return process;
  };

  /** Tickets whose model never answers. */
  const hang = async (url: string): Promise<string[]> => {
    const ids = Array.from({ length: TICKETS }, (_, n) =>
      vendors.zendesk.addTicket({ subject: `Question ${n}`, html: '<p>Where is my parcel, please?</p>' }),
    );
    for (const id of ids) {
      vendors.llm.faults.failNext('hang', ({ method }) => method === 'POST');
      await adminClient(url).webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'));
    }
    while (vendors.llm.faults.injected['hang'] !== TICKETS) await sleep(10);
    return ids;
  };

  const saysStopping = async ({ lines }: ServiceProcess): Promise<void> => {
    while (!lines.some((line) => line.includes('"msg":"stopping"'))) await sleep(10);
  };

  /** A raw connection that has sent this and keeps still. */
  const open = async (url: string, text: string): Promise<Socket> => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    sockets.push(socket);
    await new Promise<void>((resolve) => socket.write(text, () => resolve()));
    return socket;
  };

  /** Everything that a watcher of events is sent, up to the end of the stream. */
  const watch = async (url: string): Promise<{ readonly text: Promise<string> }> => {
    const response = await fetch(`${url}/admin/events`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    return { text: response.text() };
  };

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s: out in time with 0, whoever hangs on; nothing is lost, doubled, or charged to a ticket',
    async (signal) => {
      const process = serve(GRACE_MS);
      const url = await process.listening();
      const ids = await hang(url);
      const watchers = await Promise.all(Array.from({ length: WATCHERS }, () => watch(url)));
      for (let n = 0; n < 20; n += 1) {
        await open(url, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
        await open(
          url,
          'POST /webhooks/zendesk HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"a',
        );
      }
      const late = vendors.zendesk.addTicket({ subject: 'Late', html: '<p>Am I in time?</p>' });
      const lateCall = vendors.zendesk.webhookFor(late, 'ticket.created');

      const signalledAt = performance.now();
      process.child.kill(signal);
      await saysStopping(process);
      const { headers, body } = lateCall;
      const refused = await fetch(`${url}/webhooks/zendesk`, { method: 'POST', headers: { ...headers }, body });
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(59);
      expect(await process.exited).toEqual([0, null]);
      expect(performance.now() - signalledAt).toBeLessThan(GRACE_MS + PATIENCE_MS);
      expect(process.lines.at(-1)).toContain('"msg":"stopped"');
      // told when to come back, and that this is the end
      const seen = await Promise.all(watchers.map(({ text }) => text));
      expect(seen.filter((text) => text.includes('\nretry: 2000\n\n') && text.endsWith('\n\n'))).toHaveLength(WATCHERS);

      const again = await serve(GRACE_MS).listening();
      await adminClient(again).webhook('zendesk', lateCall);
      await adminClient(again).until(({ posted }) => posted === TICKETS + 1);
      expect([...ids, late].map((id) => vendors.zendesk.notes(id).length)).toEqual(Array(TICKETS + 1).fill(1));
      for (const id of ids) {
        const { attempts } = await adminClient(again).get<TicketDetail>(`/admin/tickets/zendesk/${id}`);
        expect(attempts.map(({ outcome }) => outcome)).toEqual(['cancelled', 'ok', 'ok']);
      }
    },
    60_000,
  );

  it('a second signal ends it at once, with 1; the next start goes on', async () => {
    const process = serve(600_000);
    const ids = await hang(await process.listening());

    process.child.kill('SIGTERM');
    await saysStopping(process);

    process.child.kill('SIGINT');
    expect(await process.exited).toEqual([1, null]);

    await adminClient(await serve(GRACE_MS).listening()).until(({ posted }) => posted === TICKETS);
    expect(ids.map((id) => vendors.zendesk.notes(id).length)).toEqual(Array(TICKETS).fill(1));
  }, 60_000);
});
