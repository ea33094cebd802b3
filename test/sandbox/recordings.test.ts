import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import { createZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { client } from './client.ts';

/** Answers of live accounts, where this machine has them. */
const FOLDER = new URL('../../../shared/recordings/', import.meta.url).pathname;
const recorded = (file: string) => JSON.parse(readFileSync(`${FOLDER}${file}`, 'utf8'));

type Shape = Record<string, unknown>;

/** Keys of the recording that the simulator's answer lacks, or holds with another type; null fits everything. */
function differences(real: Shape, simulated: Shape): string[] {
  const typeOf = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value);
  return Object.keys(real).filter((key) => {
    if (!Object.hasOwn(simulated, key)) return true;
    const [a, b] = [real[key], simulated[key]];
    return a !== null && b !== null && typeOf(a) !== typeOf(b);
  });
}

describe.skipIf(!existsSync(FOLDER))('held against recordings', () => {
  const clock = fakeClock();
  const random = seededRandom(1);

  it('Zendesk: answer to an update', async () => {
    const zendesk = createZendeskSimulator({ clock, random });
    const call = client(zendesk.fetch, { authorization: `Bearer ${zendesk.credentials.oauthToken}` });
    const id = zendesk.addTicket({ subject: 's', html: 'h' });
    const { json } = await call('PUT', `/api/v2/tickets/${id}`, {
      ticket: { subject: 'TESTDATA', comment: { body: 'x' } },
    });
    const [updated] = recorded('zendesk/ticket-update.json');
    const [created] = recorded('zendesk/ticket-create.json');
    const real = updated.response.body;
    expect(differences(real.ticket, json.ticket)).toEqual([]);
    expect(differences(real.audit, json.audit)).toEqual([]);
    expect(differences(created.response.body.audit.events[0], json.audit.events[0])).toEqual([]);
    expect(differences(real.audit.events[0], json.audit.events[1])).toEqual([]);
  });

  it('Zendesk: what is gone, and nobody logged in', async () => {
    const zendesk = createZendeskSimulator({ clock, random });
    const call = client(zendesk.fetch, { authorization: `Bearer ${zendesk.credentials.oauthToken}` });
    const [, notFound] = recorded('zendesk/ticket-delete-then-404.json');
    const answer = await call('GET', '/api/v2/tickets/1');
    expect([answer.status, answer.json]).toEqual([notFound.response.status, notFound.response.body]);
    const [anonymous] = recorded('zendesk/node-zendesk-authentication_test_no_creds.json');
    const me = await client(zendesk.fetch, {})('GET', anonymous.path);
    expect([me.status, me.json]).toEqual([anonymous.status, anonymous.response]);
  });

  it('Freshdesk: ticket, conversation, agent', async () => {
    const freshdesk = createFreshdeskSimulator({ clock, random });
    const authorization = `Basic ${Buffer.from(`${freshdesk.apiKey}:X`).toString('base64')}`;
    const call = client(freshdesk.fetch, { authorization });
    const id = freshdesk.addTicket({ subject: 's', html: 'h' });
    await call('POST', `/api/v2/tickets/${id}/notes`, { body: 'x' });
    freshdesk.agentReply(id, 'y', { public: true });
    const ticket = await call('GET', `/api/v2/tickets/${id}?include=requester,stats`);
    // added by the client library that made the sample
    expect(differences(recorded('freshdesk/ticket_1.json'), ticket.json)).toEqual(['priority_name']);
    const { json: listed } = await call('GET', `/api/v2/tickets/${id}/conversations`);
    const [note, reply] = recorded('freshdesk/conversations.json');
    expect(differences(note, listed[0])).toEqual([]);
    expect(differences(reply, listed[1])).toEqual([]);
    expect([listed[0].source, listed[1].source]).toEqual([note.source, reply.source]);
    const agent = await call('GET', '/api/v2/agents/me');
    expect(differences(recorded('freshdesk/agent_1.json'), agent.json)).toEqual([]);
  });
});
