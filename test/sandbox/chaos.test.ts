import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/clock.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import { createZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { client } from './client.ts';

/* The two faults that no client can see coming: a write that lands late, and one that lands twice. */

const LATE_MS = 16_000;

function zendesk() {
  const clock = fakeClock();
  const simulator = createZendeskSimulator({ clock, random: seededRandom(1), lateCommitMs: LATE_MS });
  const call = client(simulator.fetch, { authorization: `Bearer ${simulator.credentials.oauthToken}` });
  const id = simulator.addTicket({ subject: 'a', html: '<p>b</p>' });
  const comment = { html_body: '<p>Our note</p>', public: false };
  const write = (fields: object = {}, signal?: AbortSignal) =>
    call('PUT', `/api/v2/tickets/${id}.json`, { ticket: { comment, ...fields } }, signal ? { signal } : {});
  return { clock, simulator, write, id, done: 200 };
}

function freshdesk() {
  const clock = fakeClock();
  const simulator = createFreshdeskSimulator({ clock, random: seededRandom(1), lateCommitMs: LATE_MS });
  const authorization = `Basic ${Buffer.from(`${simulator.apiKey}:X`).toString('base64')}`;
  const call = client(simulator.fetch, { authorization });
  const id = simulator.addTicket({ subject: 'a', html: '<p>b</p>' });
  const write = (_fields: object = {}, signal?: AbortSignal) =>
    call('POST', `/api/v2/tickets/${id}/notes`, { body: '<p>Our note</p>', private: true }, signal ? { signal } : {});
  return { clock, simulator, write, id, done: 201 };
}

describe.each([
  ['zendesk', zendesk],
  ['freshdesk', freshdesk],
] as const)('the simulated %s', (_name, setUp) => {
  it('carries out a doubled request twice, and tells which note the proxy made', async () => {
    const { simulator, write, id, done } = setUp();
    simulator.faults.failNext('doubled_request');
    const answer = await write();
    expect(answer.status).toBe(done);
    expect(simulator.notes(id).map(({ resent }) => resent)).toEqual([false, true]);
    expect(simulator.notes(id).map(({ text }) => text)).toEqual(['Our note', 'Our note']);
    await write();
    expect(simulator.notes(id).map(({ resent }) => resent)).toEqual([false, true, false]);
  });

  it('answers nothing to a late write and carries it out after the client has gone', async () => {
    const { clock, simulator, write, id } = setUp();
    simulator.faults.failNext('late_commit');
    const giveUp = new AbortController();
    const answer = write({}, giveUp.signal);
    giveUp.abort();
    await expect(answer).rejects.toThrow('fetch failed');
    await clock.advance(LATE_MS - 1);
    expect(simulator.notes(id)).toEqual([]);
    await clock.advance(1);
    expect(simulator.notes(id)).toHaveLength(1);
  });
});

it("is stopped by Zendesk's safe_update, the second time with 409", async () => {
  const { clock, simulator, write, id } = zendesk();
  const stamp = new Date(clock.now()).toISOString();
  await clock.advance(2_000);
  simulator.faults.failNext('doubled_request');
  const answer = await write({ safe_update: true, updated_stamp: stamp });
  expect(answer.status).toBe(409);
  expect(simulator.notes(id).map(({ resent }) => resent)).toEqual([false]);
});
