import { describe, expect, it } from 'vitest';
import { planTicket, type RuleFacts, type RuleSet } from '../../src/core/rules.ts';
import { checkDraft } from '../../src/drafting/check-draft.ts';
import { DRAFT_SCHEMA } from '../../src/drafting/draft-schema.ts';
import { finishDraft } from '../../src/drafting/finish-draft.ts';
import { preparePrompt, type PreparedPrompt } from '../../src/drafting/prepare-prompt.ts';
import { makeRules, makeTeam } from '../support/factories.ts';
import { makeConversation } from '../support/stub-helpdesk.ts';
import { makeCompletion } from '../support/stub-language-model.ts';

const FACTS: RuleFacts = {
  helpdesk: 'zendesk',
  brand: null,
  group: null,
  channel: 'email',
  tags: [],
  language: null,
  priority: null,
  requester: 'zendesk 7',
};
const TEAM = makeTeam({ guidelines: 'We are Acme.' });

function prepared(ruleSet: RuleSet, facts: Partial<RuleFacts> = {}, ticketId = '1'): PreparedPrompt {
  const { plan, wish } = planTicket(ruleSet, { ...FACTS, ...facts });
  if (wish === null) throw new Error('nothing is asked');
  return preparePrompt(makeConversation(ticketId), TEAM, { asked: { plan, wish } });
}

const answer = (fields: object) =>
  makeCompletion({
    text: JSON.stringify({
      reply: 'Yes, see https://shop.acme.example/1 or https://evil.example/2.',
      language: 'en',
      confidence: 0.9,
      questions: [],
      no_draft_reason: null,
      ...fields,
    }),
  });

describe('a prompt with rules', () => {
  it('has the same fixed part for all tickets of a rule, another for another, and the usual one without', () => {
    const rules = makeRules([
      { name: 'vip', when: { tag: ['vip'] }, guidelines: 'Call them Majesty. https://shop.acme.example' },
      { name: 'chat', when: { channel: ['chat'] } },
    ]);
    const vip = prepared(rules, { tags: ['vip'] });
    const again = prepared(rules, { tags: ['vip'], requester: 'zendesk 8' }, '2');
    expect(again.prompt.system).toBe(vip.prompt.system);
    expect(vip.prompt.system).toContain('We are Acme.\n\nCall them Majesty.');
    const usual = preparePrompt(makeConversation('1'), TEAM);
    for (const other of [prepared(rules, { channel: 'chat' }), prepared(rules)]) {
      expect(other.prompt).toEqual(usual.prompt);
      expect(other.versions).toEqual({ ...usual.versions, rules: '0123456789ab' });
    }
    expect(vip.versions.guidelines).not.toBe(usual.versions.guidelines);
    expect(vip.prompt.schema).toEqual(DRAFT_SCHEMA);
    expect(vip.promptTokens).toBeGreaterThan(usual.promptTokens);
    // what a rule links to is the team's own
    const { body } = finishDraft(answer({}), { ...vip, model: 'm' });
    expect(body).toContain('https://shop.acme.example/1');
    expect(body).not.toContain('https://evil.example/2');
  });

  it('asks for one of the categories, in the order of the file, and says what holds where', () => {
    const rules = makeRules(
      [
        { name: 'refunds', when: { category: ['refund'] }, action: 'hold', guidelines: 'Name no sum.' },
        { name: 'legal', when: { category: ['legal'] }, action: 'finding' },
        { name: 'rest', guidelines: 'Be short.' },
      ],
      ['refund', 'legal', 'login'],
    );
    const { prompt, versions } = prepared(rules);
    const { properties, required } = prompt.schema.schema as {
      properties: Record<string, { enum?: string[] }>;
      required: string[];
    };
    expect(properties['category']?.enum).toEqual(['refund', 'legal', 'login', 'none']);
    expect(Object.keys(properties).toSorted()).toEqual(required.toSorted());
    const { system } = prompt;
    expect(system).toContain('- "refund": It is about refund.');
    expect(system).toMatch(
      /category is "refund":\nName no sum\.\n\n.*"legal":\nNo reply is wanted.*\n\nIn all other cases:\nBe short\./,
    );
    expect(versions.guidelines).not.toBeNull();
    expect(system.match(/Be short/g)).toHaveLength(1);
  });

  it('reads the category, takes out a reply that was not wanted, and believes no name that it was not given', () => {
    const rules = makeRules([{ name: 'legal', when: { category: ['legal'] }, action: 'finding' }], ['legal']);
    const context = { ...prepared(rules), model: 'm' };
    const legal = finishDraft(answer({ category: 'legal', no_draft_reason: 'They threaten to sue.' }), context);
    expect(legal).toMatchObject({
      body: null,
      finding: 'They threaten to sue.',
      versions: { rule: 'legal', category: 'legal' },
    });
    expect(finishDraft(answer({ category: 'legal' }), context)).toMatchObject({
      body: null,
      finding: expect.stringContaining('No reply is wanted'),
    });
    for (const category of ['none', 'toString', '', 7, null, undefined])
      expect(finishDraft(answer({ category }), context)).toMatchObject({
        body: expect.stringContaining('Yes, see'),
        versions: { rule: null, category: null },
      });
    expect(checkDraft(answer({ category: 'x' }), { knownText: '', placeholders: null, grounding: null }).category).toBe(
      'x',
    );
  });
});
