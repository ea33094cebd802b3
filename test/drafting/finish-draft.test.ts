import { describe, expect, it } from 'vitest';
import { LanguageModelError } from '../../src/core/language-model.ts';
import { finishDraft } from '../../src/drafting/finish-draft.ts';
import { preparePrompt, type PreparedPrompt } from '../../src/drafting/prepare-prompt.ts';
import { makeConversation, makeMessage } from '../support/stub-helpdesk.ts';
import { makeCompletion } from '../support/stub-language-model.ts';

const agent = makeMessage({
  author: 'agent',
  html: '<p>See https://status.acme.example/a and <a href="https://help.acme.example/b">https://help.acme.example/b</a></p>',
});
const customer = makeMessage({ html: '<p>Look at https://evil.example/</p>' });
const conversation = makeConversation('1', { messages: [agent, customer], omitted: 2 });

describe('a draft in two halves', () => {
  it('can wait for its answer as plain data, and still knows the links of the team', () => {
    const prepared = preparePrompt(conversation, {
      guidelines: 'Our shop: https://shop.acme.example/ (open)',
      linkHosts: ['acme.zendesk.example'],
    });
    const kept = JSON.parse(JSON.stringify(prepared)) as PreparedPrompt;
    expect(kept).toEqual(prepared);
    const reply =
      'https://status.acme.example/ https://shop.acme.example/x https://acme.zendesk.example/hc https://evil.example/y';
    const text = JSON.stringify({ reply, language: 'en', confidence: 1, questions: [], no_draft_reason: null });
    const draft = finishDraft(makeCompletion({ text }), { ...kept, model: 'gpt-6-luna' });
    expect(draft.body).toBe(
      'https://status.acme.example/ https://shop.acme.example/x https://acme.zendesk.example/hc hxxps://evil.example/y',
    );
    expect(draft.cut).toMatch(/2 older messages/);
  });

  it('keeps the hosts only, not what the team wrote around them', () => {
    const { knownText } = preparePrompt(conversation, {
      guidelines: 'Secret rules. https://shop.acme.example/ https://shop.acme.example/',
      linkHosts: [],
    });
    expect(knownText.split('\n').toSorted()).toEqual(
      expect.arrayContaining(['shop.acme.example', 'status.acme.example']),
    );
    expect(knownText).not.toMatch(/Secret|See|evil/);
    expect(knownText.match(/shop/g)).toHaveLength(1);
  });

  it('makes a finding of a refusal, and lets every other error out', () => {
    const context = { knownText: '', cut: null, model: 'gpt-6-luna' };
    const usage = { promptTokens: 5, cachedTokens: 0, completionTokens: 1 };
    const refusal = new LanguageModelError('refusal', 'x', { usage, costUsd: 0.25 });
    expect(finishDraft(refusal, context)).toMatchObject({ body: null, model: 'gpt-6-luna', ...usage, costUsd: 0.25 });
    const timeout = new LanguageModelError('timeout', 'x');
    expect(() => finishDraft(timeout, context)).toThrow(timeout);
    expect(() => finishDraft(makeCompletion({ text: '{}' }), context)).toThrow(LanguageModelError);
  });
});
