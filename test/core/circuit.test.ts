import { describe, expect, it } from 'vitest';
import { createCircuit } from '../../src/core/circuit.ts';
import { fakeClock } from '../support/fake-clock.ts';

const HOUR_MS = 3_600_000;
const fresh = { mortal: false, waiting: false };
const mortal = { mortal: true, waiting: false };

function setup(maxAttempts = 5) {
  const clock = fakeClock();
  const circuit = createCircuit(clock, { maxAttempts });
  let tries = 0;
  const fail = (times: number, kind = 'zendesk post'): void => {
    for (let n = 0; n < times; n += 1) circuit.tell(kind, 'ill', String((tries += 1)));
  };
  return { clock, circuit, fail };
}

describe('an outage', () => {
  it('is ten failures in a row, of whatever tickets, and not all at one bad moment', async () => {
    const { clock, circuit, fail } = setup();
    fail(20);
    await clock.advance(4_999);
    expect(circuit.isOut('zendesk post', fresh)).toBe(false);
    circuit.tell('zendesk post', 'well', '1');
    fail(9);
    await clock.advance(5_000);
    expect(circuit.isOut('zendesk post', fresh)).toBe(false);
    fail(1);
    expect(circuit.isOut('zendesk post', fresh)).toBe(true);
    expect(circuit.streak('zendesk post')).toBe(10);
  });

  it('is seen before a ticket dies of it: nobody has got through since its first failure', async () => {
    const { clock, circuit, fail } = setup();
    fail(4);
    await clock.advance(500);
    expect(circuit.isOut('zendesk post', mortal)).toBe(false);
    fail(1);
    expect(circuit.isOut('zendesk post', mortal)).toBe(true);
    expect(circuit.isOut('zendesk post', fresh)).toBe(false);
  });

  it('is not what one ticket tells, or two, however often they fail', async () => {
    const { clock, circuit } = setup();
    for (let n = 0; n < 40; n += 1) circuit.tell('zendesk post', 'ill', String(n % 2));
    await clock.advance(10_000);
    expect(circuit.isOut('zendesk post', mortal)).toBe(false);
    circuit.tell('zendesk post', 'ill', '2');
    expect(circuit.isOut('zendesk post', mortal)).toBe(true);
  });

  it('is over with the first success; what says nothing changes nothing', async () => {
    const { clock, circuit, fail } = setup();
    fail(20);
    await clock.advance(5_000);
    circuit.tell('zendesk post', 'unclear', '1');
    expect(circuit.isOut('zendesk post', fresh)).toBe(true);
    circuit.tell('zendesk post', 'well', '1');
    fail(1);
    expect(circuit.isOut('zendesk post', mortal)).toBe(false);
  });

  it('goes on as long as work is held up, whatever this process has seen of it', () => {
    const { circuit, fail } = setup();
    fail(1);
    expect(circuit.isOut('zendesk post', { mortal: true, waiting: true })).toBe(true);
  });

  it('is of one upstream and one kind of work: reading may work where writing does not', async () => {
    const { clock, circuit, fail } = setup();
    fail(20);
    fail(1, 'freshdesk post');
    await clock.advance(5_000);
    circuit.tell('zendesk draft', 'well', '1');
    expect(circuit.isOut('freshdesk post', mortal)).toBe(false);
    expect(circuit.isOut('zendesk post', fresh)).toBe(true);
  });

  it.each([
    [1, 3],
    [3, 3],
    [50, 10],
  ])('with MAX_ATTEMPTS=%i a last chance needs %i in a row', async (maxAttempts, wanted) => {
    const { clock, circuit, fail } = setup(maxAttempts);
    fail(wanted - 1);
    await clock.advance(500);
    expect(circuit.isOut('zendesk post', mortal)).toBe(false);
    fail(1);
    expect(circuit.isOut('zendesk post', mortal)).toBe(true);
  });

  it('counts again after a day, so that a ticket of which the upstream falls ill has an end', async () => {
    const { clock, circuit, fail } = setup();
    fail(10);
    await clock.advance(24 * HOUR_MS - 1);
    expect(circuit.isOut('zendesk post', mortal)).toBe(true);
    await clock.advance(1);
    expect(circuit.isOut('zendesk post', mortal)).toBe(false);
  });
});
