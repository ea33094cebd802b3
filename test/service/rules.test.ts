import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TicketDetail } from '../../src/core/ticket.ts';
import { ADMIN_TOKEN, adminClient, PATIENT, startVendors, type Vendors } from '../support/harness.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';

/* Rules in the bundled program, and SIGHUP. `npm test` bundles first. */

const OFF = 'rules:\n  - name: vip off\n    when: { tag: vip }\n    action: off\n';
const HELD =
  'rules:\n  - name: vip held\n    when: { tag: vip }\n    action: hold\n    guidelines: Call them Majesty.\n';

describe('the service with rules', () => {
  let vendors: Vendors;
  let prompts: string[];
  const running: ServiceProcess[] = [];

  beforeEach(async () => {
    prompts = [];
    vendors = await startVendors({ onLlmCall: (body) => void (body !== '' && prompts.push(body)) });
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.kill();
    await vendors[Symbol.asyncDispose]();
  });

  const write = (text: string): void => writeFileSync(join(vendors.folder, 'draftdesk.yaml'), text);
  const serve = (): ServiceProcess => {
    const env = { ...vendors.env, ...PATIENT, LOG_LEVEL: 'info', DRAFTDESK_CONFIG: 'draftdesk.yaml' };
    const process = startServiceProcess(env, { cwd: vendors.folder });
    running.push(process);
    return process;
  };
  const logged = async ({ lines }: ServiceProcess, text: string, times = 1): Promise<string> => {
    for (;;) {
      const found = lines.filter((line) => line.includes(text));
      if (found.length >= times) return found.at(-1) ?? '';
      await sleep(10);
    }
  };
  const send = async (url: string, tags: readonly string[]): Promise<string> => {
    const id = vendors.zendesk.addTicket({ subject: 'A question', html: '<p>Where is my parcel?</p>', tags });
    await adminClient(url).webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'));
    return id;
  };
  const ended = async (url: string, id: string): Promise<TicketDetail> => {
    for (;;) {
      const found = await adminClient(url).get<TicketDetail>(`/admin/tickets/zendesk/${id}`);
      if (['skipped', 'drafted', 'posted'].includes(found.status)) return found;
      await sleep(20);
    }
  };

  it('reads them anew on SIGHUP; a bad file changes nothing and says why', async () => {
    write(OFF);
    const process = serve();
    const url = await process.listening();
    const first = JSON.parse(await logged(process, '"msg":"rules read"')) as { version: string };
    expect(await ended(url, await send(url, ['vip']))).toMatchObject({ status: 'skipped', reason: 'rule' });
    expect(prompts).toEqual([]);

    write('rules:\n  - name: vip\n    action: of\n    wen: {}\n');
    process.child.kill('SIGHUP');
    const refused = JSON.parse(await logged(process, '"msg":"rules refused', 2)) as Record<string, string>;
    expect(refused['version']).toBe(first.version);
    const details = process.lines.filter((line) => line.includes('rules refused')).join('\n');
    expect(details).toContain('line 3: rules[1].action: must be one of off, finding, draft, hold');
    expect(details).toContain('line 4: rules[1]: “wen” is not known: did you mean “when”?');
    expect(await ended(url, await send(url, ['vip']))).toMatchObject({ status: 'skipped', reason: 'rule' });

    write(HELD);
    process.child.kill('SIGHUP');
    const second = JSON.parse(await logged(process, '"msg":"rules read"', 2)) as { version: string };
    expect(second.version).not.toBe(first.version);
    const held = await ended(url, await send(url, ['vip']));
    expect(held).toMatchObject({
      status: 'drafted',
      draft: {
        versions: { rules: second.version, rule: 'vip held', guidelines: expect.stringMatching(/^[0-9a-f]{12}$/) },
      },
    });
    expect(prompts.join('\n')).toContain('Call them Majesty.');
    const other = await ended(url, await send(url, []));
    expect(other).toMatchObject({ status: 'posted', draft: { versions: { rule: null, guidelines: null } } });
    const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    const text = await metrics.text();
    expect(text).toMatch(/draftdesk_rules_total\{.*action="off".*\} 2/);
    expect(text).toMatch(/draftdesk_rules_total\{.*action="hold".*\} 1/);

    process.child.kill('SIGTERM');
    expect((await process.exited)[0]).toBe(0);
  });

  it('does not start with a bad one: 78 and every mistake', async () => {
    write('rules:\n  - name: a\n    action: off\n    percent: 200\n');
    const { exited, stderr } = serve();
    expect((await exited)[0]).toBe(78);
    expect(stderr()).toContain('DRAFTDESK_CONFIG line 4: rules[1].percent: must be a number from 0 to 100');
  });
});
