import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { adminClient, PATIENT, startVendors, type Vendors } from '../support/harness.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';

// virtual hours and real processes take their time on a busy machine
vi.setConfig({ testTimeout: 60_000 });

/* Rows F6 and F7 of the attack list: what the machine around the process does. `npm test` bundles first. */

let vendors: Vendors;
let service: ServiceProcess | null = null;
const sockets: Socket[] = [];

beforeEach(async () => {
  vendors = await startVendors();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await service?.kill();
  await vendors[Symbol.asyncDispose]();
});

const serve = (under: readonly string[] = []): ServiceProcess =>
  (service = startServiceProcess({ ...vendors.env, ...PATIENT, LOG_LEVEL: 'debug' }, { cwd: vendors.folder, under }));

const drain = async (url: string, count: number): Promise<void> => {
  const ids = Array.from({ length: count }, (_, n) =>
    vendors.zendesk.addTicket({ subject: `Question ${n}`, html: '<p>Where is my parcel, please?</p>' }),
  );
  const answers = await Promise.all(
    ids.map((id) => adminClient(url).webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  await adminClient(url).until(({ posted }) => posted >= count);
  expect(ids.filter((id) => vendors.zendesk.notes(id).length !== 1)).toEqual([]);
};

describe('the log', () => {
  it('has no reader any more: the service goes on, and stops in order', async () => {
    const running = serve();
    const { child, exited } = running;
    const url = await running.listening();
    child.stdout?.destroy();
    await drain(url, 50);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(running.stderr()).toBe('');
  });

  it('has a reader who does not read: no freeze, and a stop in order', async () => {
    const running = serve();
    const { child, exited, lines } = running;
    const url = await running.listening();
    child.stdout?.pause();
    const before = lines.length;
    // a pipe holds 64 KiB: this is a multiple
    await drain(url, 300);
    expect(lines.length).toBe(before);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});

describe('256 open files', () => {
  it('are enough for the work while a flood of connections is kept out; a line a second tells of it', async () => {
    const running = serve(['bash', '-c', 'ulimit -n 256; exec "$0" "$@"']);
    const { lines, child, exited } = running;
    const url = await running.listening();
    const { hostname, port } = new URL(url);
    const admin = adminClient(url);
    await admin.get('/admin/progress');
    const floodedAt = performance.now();
    for (let n = 0; n < 600; n += 1) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
    const dropped = () => lines.filter((line) => line.includes('"where":"accept"'));
    while (dropped().length === 0) await sleep(20);
    // the first takes its place before the flood is gone: what has a connection goes on working
    await admin.get('/admin/progress');
    await sleep(50);
    expect(dropped().length).toBeLessThanOrEqual(2 + (performance.now() - floodedAt) / 1_000);
    for (const socket of sockets.splice(0)) socket.destroy();
    await drain(url, 20);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
