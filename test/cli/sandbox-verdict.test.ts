import { expect, it } from 'vitest';
import { judge, type Listed } from '../../src/cli/sandbox-verdict.ts';
import { seededRandom } from '../../src/core/clock.ts';
import { createFreshdeskSimulator } from '../../src/sandbox/freshdesk.ts';
import type { SampleTicket } from '../../src/sandbox/tickets.ts';
import { client } from '../sandbox/client.ts';
import { fakeClock } from '../support/fake-clock.ts';

const sample: SampleTicket = {
  subject: 'Where is my parcel?',
  html: '<p>It is late.</p>',
  requester: { name: 'Kim', email: 'kim@customer.example' },
  expect: ['posted'],
};

async function setup(count: number, notesOf: (index: number) => number = () => 1) {
  const simulator = createFreshdeskSimulator({ clock: fakeClock(), random: seededRandom(1) });
  const authorization = `Basic ${Buffer.from(`${simulator.apiKey}:X`).toString('base64')}`;
  const call = client(simulator.fetch, { authorization });
  const listed = new Map<string, Listed>();
  const cases: { sample: SampleTicket; ticketId: string }[] = [];
  for (let index = 0; index < count; index += 1) {
    const ticketId = simulator.addTicket(sample);
    for (let n = 0; n < notesOf(index); n += 1)
      await call('POST', `/api/v2/tickets/${ticketId}/notes`, { body: '<p>Our note</p>', private: true });
    cases.push({ sample, ticketId });
    listed.set(ticketId, { ticketId, status: 'posted', reason: null, errorClass: null });
  }
  const become = (index: number, change: Partial<Listed> | null): void => {
    const ticketId = cases[index]?.ticketId ?? '';
    const before = listed.get(ticketId);
    if (change === null || before === undefined) listed.delete(ticketId);
    else listed.set(ticketId, { ...before, ...change });
  };
  return { become, judge: (chaos = true) => judge(cases, listed, simulator, { chaos }) };
}

it('is content when each ticket has one private note', async () => {
  const { judge: verdict } = await setup(5);
  expect(verdict()).toEqual({ notes: 5, lost: 0, doubled: 0, publicComments: 0, surprises: [] });
});

it('counts what is lost: unknown, not at an end, posted without a note', async () => {
  const { become, judge: verdict } = await setup(4, (index) => (index === 2 ? 0 : 1));
  become(0, null);
  become(1, { status: 'retrying' });
  const { lost, surprises } = verdict();
  expect(lost).toBe(3);
  expect(surprises).toHaveLength(3);
});

it('counts what is doubled by us', async () => {
  const { judge: verdict } = await setup(3, (index) => (index === 1 ? 2 : 1));
  expect(verdict()).toMatchObject({ doubled: 1, surprises: [expect.stringMatching(/has 2 notes/)] });
});

it('excuses in chaos, and only there, less than one dead in a hundred, each of which no retry could save', async () => {
  const few = await setup(101);
  few.become(0, { status: 'dead', reason: 'refusal', errorClass: 'refusal' });
  expect(few.judge().surprises).toEqual([]);
  expect(few.judge(false).surprises).toHaveLength(1);
  few.become(0, { status: 'dead', reason: 'timeout', errorClass: 'timeout' });
  expect(few.judge().surprises).toHaveLength(1);
  const many = await setup(100);
  many.become(0, { status: 'dead', reason: 'refusal', errorClass: 'refusal' });
  expect(many.judge().surprises).toEqual(['1 of 100 tickets are dead']);
});
