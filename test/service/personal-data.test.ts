import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchProgress } from '../../src/core/service-control.ts';
import type { TicketDetail, TicketStatus } from '../../src/core/ticket.ts';
import { startProgram } from '../cli/program.ts';
import { type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';
import { tapWire, type Wire } from '../support/wire.ts';

/* What leaves the process towards the LLM, listened to on the wire. */

const SECRETS = {
  card: '4111 1111 1111 1111',
  card2: '5555555555554444',
  iban: 'DE89 3704 0044 0532 0130 00',
  password: 'Canary-Pa55',
  key: 'sk-canary0123456789abcdef',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlMTIz',
};
const CONTACTS = {
  email: 'ada.canary@home.example',
  email2: 'ada.work@canary.example',
  phone: '+49 30 12345678',
  name: 'Ada Canarybird',
};
const PLANTED = Object.values({ ...SECRETS, ...CONTACTS });

const SUBJECT = `Refund for ${CONTACTS.email}`;
const TEXT = `Hello, I am ${CONTACTS.name}. When do I get my refund? I paid with ${SECRETS.card} (and ${SECRETS.card2}), please
send it to ${SECRETS.iban}. My password: ${SECRETS.password} and my key is ${SECRETS.key}, the token ${SECRETS.jwt}.
Write to ${CONTACTS.email} or ${CONTACTS.email2}, or call ${CONTACTS.phone}.`;
const HTML = `<p>${TEXT}</p>`;
const REPLY_HTML = `<p>Did you get it? Again: ${CONTACTS.email2}, ${SECRETS.card}. Where is my refund?</p>`;

/** What a model may do with placeholders, put before what the simulated one replies. */
const WRITTEN =
  'Hello [name 1], we write to [email 1] or [email 2] and call [phone 1], not [email 77] or [card number].';
const READ = `Hello ${CONTACTS.name}, we write to ${CONTACTS.email} or ${CONTACTS.email2} and call ${CONTACTS.phone}, not [email 77] or [card number].`;
const READ_WITHOUT_NAME = READ.replace(CONTACTS.name, '[name 1]');
const obey = (text: string): string =>
  text
    .replaceAll(/\\"reply\\":\\"/g, `\\"reply\\":\\"${WRITTEN} `)
    .replaceAll(/\\"reply\\":null/g, `\\"reply\\":\\"${WRITTEN}\\"`);

describe('MASK_PERSONAL_DATA on the wire to the LLM', () => {
  let vendors: Vendors;
  let wire: Wire;
  let running: RunningService | null = null;

  beforeEach(async () => {
    vendors = await startVendors({ batchTimes: { validatingMs: 10, runningMs: 50, finalizingMs: 10 } });
    let refused = 0;
    // the first call of each test fails: what is sent again is masked again
    wire = await tapWire(async (request, env) => {
      if (request.url.endsWith('/chat/completions') && refused++ === 0) return new Response('{}', { status: 500 });
      return vendors.llm.fetch(request, env);
    }, obey);
  });
  afterEach(async () => {
    await running?.[Symbol.asyncDispose]();
    running = null;
    await wire.close();
    await vendors[Symbol.asyncDispose]();
  });

  const env = () => ({ ...vendors.env, OPENAI_BASE_URL: `${wire.url}/v1`, MASK_PERSONAL_DATA: 'true' });
  const serve = async (change: Readonly<Record<string, string>> = {}): Promise<RunningService> => {
    running = await startTestService({ ...env(), ...change });
    return running;
  };
  const leaked = (planted: readonly string[] = PLANTED): string[] =>
    planted.filter((value) => wire.sent().includes(value));
  const addTicket = (name: 'zendesk' | 'freshdesk'): string =>
    vendors[name].addTicket({
      subject: SUBJECT,
      html: HTML,
      requester: { name: CONTACTS.name, email: CONTACTS.email },
    });
  const expectRestored = (note: string, read = READ): void => {
    expect(note).toContain(read);
    for (const secret of Object.values(SECRETS)) expect(note).not.toContain(secret);
    expect(note).toContain('[email 77] stands for nothing in this ticket');
    expect(note).toContain('[card number] stands for what was kept from the model');
  };
  const posted = (counts: Record<TicketStatus, number>): boolean => counts.posted === 1;

  it.each(['zendesk', 'freshdesk'] as const)(
    'nothing planted leaves for a ticket of %s; the draft has it again',
    async (name) => {
      const { admin, service } = await serve();
      vendors[name].connect({ url: `${service.url}/webhooks/${name}`, fetch });
      const id = addTicket(name);
      await admin.until(posted);
      expect(wire.sent()).toContain('[card number]');
      expect(wire.sent()).toContain('[email 2]');
      // Freshdesk does not tell us its requester's name: in a text it is a word like others
      expect(leaked(name === 'zendesk' ? PLANTED : PLANTED.filter((value) => value !== CONTACTS.name))).toEqual([]);
      expectRestored(vendors[name].notes(id)[0]?.text ?? '', name === 'zendesk' ? READ : READ_WITHOUT_NAME);
      const ticket = await admin.get<TicketDetail>(`/admin/tickets/${name}/${id}`);
      expect(ticket.draft?.body).toContain('we write to ada.canary@home.example');
    },
  );

  it('nothing planted leaves for an answer to an older ticket', async () => {
    const { admin, service } = await serve();
    vendors.zendesk.connect({ url: `${service.url}/webhooks/zendesk`, fetch });
    const id = addTicket('zendesk');
    await admin.until(posted);
    vendors.zendesk.customerReply(id, REPLY_HTML);
    await admin.until(() => vendors.zendesk.notes(id).length === 2);
    expect(leaked()).toEqual([]);
    expect(vendors.zendesk.notes(id)[1]?.text).toContain(CONTACTS.email2);
  });

  it('sends everything as it is when it is not set: the test has ears', async () => {
    const { admin, service } = await serve({ MASK_PERSONAL_DATA: 'false' });
    vendors.zendesk.connect({ url: `${service.url}/webhooks/zendesk`, fetch });
    addTicket('zendesk');
    await admin.until(posted);
    expect(leaked()).toEqual(PLANTED);
  });

  it.each(['economy', 'flex'] as const)('nothing planted leaves in the lane %s, over a restart', async (lane) => {
    const { admin } = await serve();
    const id = addTicket('zendesk');
    const { body } = await admin.post<{ id: string }>('/admin/batches', { helpdesk: 'zendesk', ticketIds: [id], lane });
    if (lane === 'economy') {
      while ((await admin.get<BatchProgress>(`/admin/batches/${body.id}`)).economy === null);
      await running?.[Symbol.asyncDispose]();
      await serve();
    }
    await running?.admin.until(posted);
    expect(leaked()).toEqual([]);
    expectRestored(vendors.zendesk.notes(id)[0]?.text ?? '');
    if (lane === 'economy') expect(wire.sent()).toContain('/files');
  });

  it('nothing planted leaves for a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    const ticket = { id: '1', subject: SUBJECT, description: TEXT.replace(CONTACTS.name, 'me') };
    writeFileSync(join(folder, 'in.jsonl'), `${JSON.stringify(ticket)}\n`);
    const { code, stderr } = await startProgram(['batch', 'run', 'in.jsonl', '--out', 'out.jsonl'], {
      cwd: folder,
      env: env(),
    }).ended;
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const { draft } = JSON.parse(readFileSync(join(folder, 'out.jsonl'), 'utf8')) as { draft: string };
    rmSync(folder, { recursive: true });
    expect(leaked()).toEqual([]);
    expect(draft).toContain(`${CONTACTS.email} or ${CONTACTS.email2} and call ${CONTACTS.phone}`);
    expect(draft).toContain('[card number]');
  });
});
