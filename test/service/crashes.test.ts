import { afterEach, describe, expect, it } from 'vitest';
import { adminClient, startVendors, type Vendors } from '../support/harness.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';

/* What a process may die of, or wake up from. Runs the bundle. */

const halfDurable = new URL('../torture/half-durable.mjs', import.meta.url).href;
const POISON = 'the poisonous question';

let service: ServiceProcess | undefined;
let vendors: Vendors | undefined;
afterEach(async () => {
  await service?.kill();
  await vendors?.[Symbol.asyncDispose]();
});
const serve = (env: Record<string, string> = {}): ServiceProcess => {
  if (vendors === undefined) throw new Error('no vendors');
  service = startServiceProcess({ ...vendors.env, LOG_LEVEL: 'info', ...env }, { cwd: vendors.folder });
  return service;
};

async function writeTickets(url: string, { zendesk }: Vendors, count: number, poisonAt: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) =>
    zendesk.addTicket({ subject: `Question ${index}`, html: `<p>${index === poisonAt ? POISON : 'Where is it?'}</p>` }),
  );
  const client = adminClient(url);
  await Promise.all(ids.map((id) => client.webhook('zendesk', zendesk.webhookFor(id, 'ticket.created'))));
  return ids;
}

describe('the process', () => {
  it('gives up the ticket it dies of the third time, and posts the other 499', async () => {
    let deaths = 0;
    vendors = await startVendors({
      latencyMs: 20,
      onLlmCall: (body) => {
        if (!body.includes(POISON)) return;
        deaths += 1;
        service?.signal('SIGKILL');
      },
    });
    const env = { WORKER_CONCURRENCY: '10' };
    let url = await serve(env).listening();
    await adminClient(url).post('/admin/pause');
    const ids = await writeTickets(url, vendors, 500, 250);
    await adminClient(url).post('/admin/resume');
    for (let death = 0; death < 3; death += 1) {
      await service?.exited;
      url = await serve(env).listening();
    }
    const admin = adminClient(url);
    await admin.until(({ posted, dead }) => posted + dead === 500);
    expect(await admin.statuses()).toMatchObject({ posted: 499, dead: 1 });
    const dead = await admin.get(`/admin/tickets/zendesk/${ids[250]}`);
    expect(dead).toMatchObject({ status: 'dead', reason: 'crash_loop' });
    expect(deaths).toBe(3);
    const { zendesk } = vendors;
    expect(ids.filter((id) => zendesk.notes(id).length !== 1)).toEqual([ids[250]]);
  }, 90_000);

  it('doubles nothing when it was frozen for longer than its leases last', async () => {
    vendors = await startVendors({ latencyMs: 100 });
    const running = serve();
    const url = await running.listening();
    const ids = await writeTickets(url, vendors, 200, -1);
    running.signal('SIGSTOP');
    // a second one is refused although the first says nothing
    const second = startServiceProcess({ ...vendors.env }, { cwd: vendors.folder });
    expect((await second.exited)[0]).toBe(1);
    expect(second.stderr().trim()).toMatch(/^[^\n]*in use by another process[^\n]*$/);
    // the lease of 10 s goes by on the machine's own clock: there is no other way to freeze a process
    await new Promise((resolve) => setTimeout(resolve, 10_500));
    running.signal('SIGCONT');
    await adminClient(url).until(({ posted }) => posted === 200);
    expect(running.lines.some((line) => line.includes('"outcome":"lost"'))).toBe(true);
    const { zendesk } = vendors;
    expect(ids.filter((id) => zendesk.notes(id).length !== 1)).toEqual([]);
  }, 60_000);

  it('does not start where its writes would not survive a power cut', async () => {
    vendors = await startVendors();
    const running = serve({ NODE_OPTIONS: `--import=${halfDurable}` });
    expect((await running.exited)[0]).toBe(1);
    expect(running.stderr().trim()).toMatch(/^[^\n]*synchronous=1, less than FULL[^\n]*$/);
  });
});
