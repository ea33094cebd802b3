import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, factsOf, planTicket, type Rule, type RuleFacts, type RuleSet } from '../../src/core/rules.ts';
import { shareOf } from '../../src/core/share.ts';
import { makeRules } from '../support/factories.ts';
import { makeConversation } from '../support/stub-helpdesk.ts';

const FACTS: RuleFacts = {
  helpdesk: 'zendesk',
  brand: '360001',
  group: '42',
  channel: 'email',
  tags: ['VIP', 'printer'],
  language: 'de-AT',
  priority: 'high',
  requester: 'zendesk 7',
};

const takerOf = (rules: readonly Partial<Rule>[], facts: Partial<RuleFacts> = {}): string | null =>
  planTicket(makeRules(rules), { ...FACTS, ...facts }).plan.otherwise.rule;

describe('rules', () => {
  it.each([
    ['helpdesk', { helpdesk: ['zendesk'] }, { helpdesk: 'freshdesk' }],
    ['brand', { brand: ['1', '360001'] }, { brand: null }],
    ['group', { group: ['42'] }, { group: '43' }],
    ['channel', { channel: ['web', 'email'] }, { channel: 'chat' }],
    ['tag', { tag: ['vip'] }, { tags: ['printer'] }],
    ['language', { language: ['de'] }, { language: 'den' }],
    ['priority', { priority: ['urgent', 'high'] }, { priority: null }],
  ] as const)('take by %s, and only then', (_, when, other) => {
    expect(takerOf([{ name: 'first', when }])).toBe('first');
    expect(takerOf([{ name: 'first', when }], other)).toBeNull();
  });

  it('take the ticket whose every condition holds; the first that matches has it', () => {
    const rules = [
      { name: 'both', when: { tag: ['vip'], channel: ['chat'] } },
      { name: 'one', when: { tag: ['vip'] } },
      { name: 'all', when: {} },
    ];
    expect(takerOf(rules)).toBe('one');
    expect(takerOf(rules, { channel: 'Chat' })).toBe('both');
    expect(takerOf(rules, { tags: [] })).toBe('all');
  });

  it('leave what none takes a draft, and what is off without asking the model', () => {
    expect(planTicket(makeRules([{ when: { tag: ['other'] } }]), FACTS)).toMatchObject({
      plan: { otherwise: { rule: null, action: 'draft', skip: null } },
      wish: { findingOnly: false },
    });
    const { plan, wish } = planTicket(makeRules([{ name: 'no', action: 'off' }]), FACTS);
    expect(wish).toBeNull();
    expect(plan.otherwise).toEqual({ rule: 'no', action: 'off', skip: 'rule' });
  });

  it('wait for the category where one decides', () => {
    const ruleSet: RuleSet = makeRules(
      [
        { name: 'spam-off', when: { category: ['spam'] }, action: 'off' },
        { name: 'refund-hold', when: { category: ['refund'], tag: ['vip'] }, action: 'hold', guidelines: 'Be kind.' },
      ],
      ['spam', 'refund', 'login'],
    );
    const { plan, wish } = planTicket(ruleSet, FACTS);
    expect(decide(plan, 'spam')).toEqual({ rule: 'spam-off', action: 'off', skip: 'rule' });
    expect(decide(plan, 'refund')).toEqual({ rule: 'refund-hold', action: 'hold', skip: null });
    for (const other of ['login', 'none', 'constructor', null])
      expect(decide(plan, other)).toEqual({ rule: null, action: 'draft', skip: null });
    expect(wish?.categories.map(({ name, guidelines }) => [name, guidelines])).toEqual([
      ['spam', ''],
      ['refund', 'Be kind.'],
      ['login', ''],
    ]);
  });

  it('ask nobody when every category comes to nothing', () => {
    const rules = makeRules([{ when: { category: ['spam'] }, action: 'off' }, { action: 'off' }], ['spam']);
    expect(planTicket(rules, FACTS).wish).toBeNull();
  });

  it('give a percentage of people to a rule, always the same ones, and the others to the next', () => {
    const rules = makeRules([{ name: 'some', percent: 20, action: 'hold' }, { name: 'rest' }]);
    const takers = Array.from({ length: 5_000 }, (_, n) => {
      const [one, again] = [0, 1].map(
        () => planTicket(rules, { ...FACTS, requester: `zendesk ${n}` }).plan.otherwise.rule,
      );
      expect(one).toBe(again);
      return one;
    });
    const share = takers.filter((name) => name === 'some').length / takers.length;
    expect(share).toBeGreaterThan(0.18);
    expect(share).toBeLessThan(0.22);
    expect(new Set(takers)).toEqual(new Set(['some', 'rest']));
  });

  it('give nothing to whom a share has left out and no later rule takes, unless the share was of what is off', () => {
    expect(planTicket(makeRules([{ name: 'some', percent: 0 }]), FACTS)).toMatchObject({
      plan: { otherwise: { rule: 'some', skip: 'not_in_share' } },
      wish: null,
    });
    expect(takerOf([{ name: 'some', percent: 0, action: 'off' }])).toBeNull();
  });

  it('count a control group of the people that a rule takes, chosen apart from its percentage', () => {
    const rules = makeRules([{ name: 'trial', percent: 50, control: 30 }]);
    const skips = Array.from(
      { length: 6_000 },
      (_, n) => planTicket(rules, { ...FACTS, requester: `zendesk ${n}` }).plan.otherwise.skip,
    );
    const taken = skips.filter((skip) => skip !== 'not_in_share');
    const controlled = taken.filter((skip) => skip === 'control_group').length / taken.length;
    expect(controlled).toBeGreaterThan(0.26);
    expect(controlled).toBeLessThan(0.34);
  });

  it('keep who is in a share in every larger one, for any name', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (name, one, other) => {
          const share = shareOf(name);
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThan(100);
          expect(shareOf(name)).toBe(share);
          const [small, large] = [Math.min(one, other), Math.max(one, other)];
          const requester = name;
          const takes = (percent: number) => takerOf([{ name: 'r', percent, action: 'off' }], { requester }) === 'r';
          if (takes(small)) expect(takes(large)).toBe(true);
          expect(takes(0)).toBe(false);
          expect(takes(100)).toBe(true);
        },
      ),
    );
  });

  it('know a person by helpdesk and id, and a ticket of nobody as its own', () => {
    expect(factsOf('zendesk', makeConversation('1')).requester).toBe('zendesk 7');
    expect(factsOf('zendesk', makeConversation('2')).requester).toBe('zendesk 7');
    expect(factsOf('zendesk', makeConversation('2', { requesterId: null })).requester).toBe('zendesk ticket 2');
  });
});
