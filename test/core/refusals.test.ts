import { describe, expect, it } from 'vitest';
import { createRefusals } from '../../src/core/refusals.ts';
import { fakeClock } from '../support/fake-clock.ts';

function setup() {
  const clock = fakeClock();
  const refusals = createRefusals(clock);
  const judge = (ticketId: string, waiting = false) => refusals.judge('zendesk draft', ticketId, waiting);
  return { clock, refusals, judge };
}

describe('whose fault a refusal is', () => {
  it('is the upstream with three tickets and nobody served in between, however often one of them asks', () => {
    const { judge } = setup();
    expect(['1', '1', '2', '2', '1'].map((id) => judge(id))).toEqual(Array.from({ length: 5 }, () => 'unclear'));
    expect(judge('3')).toBe('upstream');
    expect(judge('1')).toBe('upstream');
  });

  it('is the ticket that is refused again after another was served, once', async () => {
    const { clock, refusals, judge } = setup();
    judge('1');
    await clock.advance(10);
    refusals.served('zendesk draft', clock.steady());
    expect(judge('2')).toBe('unclear');
    expect(judge('1')).toBe('ticket');
    expect(judge('1')).toBe('unclear');
  });

  it('is not decided by what was asked before, nor by another kind of work', async () => {
    const { clock, refusals, judge } = setup();
    const before = clock.steady();
    await clock.advance(10);
    for (const id of ['1', '2', '3']) judge(id);
    refusals.served('zendesk draft', before);
    refusals.served('zendesk post', clock.steady());
    expect(judge('1')).toBe('upstream');
  });

  it('is the upstream while work is held up, whatever this process has seen of it', () => {
    expect(setup().judge('1', true)).toBe('upstream');
  });
});
