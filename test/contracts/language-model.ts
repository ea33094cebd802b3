import { describe, expect, it } from 'vitest';
import { type LanguageModel, LanguageModelError, type Prompt } from '../../src/core/language-model.ts';

/** A model and the server it talks to. */
export interface LanguageModelRig {
  readonly llm: LanguageModel;
  /** The same model with a key that the server does not know. */
  readonly withWrongKey: LanguageModel;
  /** The server's next answer to a completion. */
  fail(
    how:
      | 'rate_limited'
      | 'overloaded'
      | 'insufficient_quota'
      | 'flex_unavailable'
      | 'refusal'
      | 'length'
      | 'cut'
      | 'reset',
  ): void;
  /** Completions that the server has been asked for. */
  calls(): number;
}

const prompt: Prompt = {
  system: 'You draft replies.',
  user: '<subject>Where is my order?</subject>\nIt has not arrived, and nobody told me anything.',
  schema: {
    name: 'draft',
    schema: {
      type: 'object',
      properties: { reply: { type: 'string' }, confidence: { type: 'number' } },
      required: ['reply', 'confidence'],
      additionalProperties: false,
    },
  },
  maxOutputTokens: 500,
};

/** What every language model must do, whoever answers behind it. */
export function languageModelContract(name: string, start: () => Promise<LanguageModelRig>): void {
  describe(`language model contract: ${name}`, () => {
    const never = new AbortController().signal;
    const failed = async (run: Promise<unknown>): Promise<LanguageModelError> => {
      const error = await run.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(LanguageModelError);
      return error as LanguageModelError;
    };

    it('answers JSON of the schema, with what it used', async () => {
      const { llm } = await start();
      const { text, model, usage } = await llm.complete(prompt, never);
      expect(Object.keys(JSON.parse(text) as object).toSorted()).toEqual(['confidence', 'reply']);
      expect(model).toContain(llm.model);
      expect(usage.promptTokens).toBeGreaterThan(10);
      expect(usage.completionTokens).toBeGreaterThan(1);
    });

    it.each([
      ['rate_limited', 'rate_limited'],
      ['overloaded', 'overloaded'],
      ['insufficient_quota', 'quota_exhausted'],
      ['refusal', 'refusal'],
      ['length', 'output_truncated'],
      ['cut', 'response_truncated'],
      ['reset', 'connection'],
    ] as const)('gives %s the class %s, and never tries again by itself', async (how, errorClass) => {
      const rig = await start();
      rig.fail(how);
      const error = await failed(rig.llm.complete(prompt, never));
      expect(error.errorClass).toBe(errorClass);
      expect(error.upstream).toBe('llm');
      expect(rig.calls()).toBeLessThanOrEqual(1);
      expect((await rig.llm.complete(prompt, never)).text).not.toBe('');
    });

    it('tells what an answer cost that is of no use', async () => {
      const rig = await start();
      rig.fail('refusal');
      expect((await failed(rig.llm.complete(prompt, never))).usage?.promptTokens).toBeGreaterThan(10);
    });

    it('prices what was used by the tier that served it', async () => {
      const { llm } = await start();
      const standard = await llm.complete(prompt, never);
      expect(standard.costUsd).toBeGreaterThan(0);
      expect(standard.costUsd).toBe(llm.costUsd(standard.usage));
      const flex = await llm.complete({ ...prompt, tier: 'flex' }, never);
      expect(flex.costUsd).toBe(llm.costUsd(flex.usage, 'flex'));
      for (const tier of ['flex', 'batch'] as const) {
        expect(llm.costUsd(flex.usage, tier)).toBeCloseTo((llm.costUsd(flex.usage) ?? 0) / 2, 12);
      }
    });

    it('says when there is no room for flex, and takes the same prompt as standard', async () => {
      const rig = await start();
      rig.fail('flex_unavailable');
      const error = await failed(rig.llm.complete({ ...prompt, tier: 'flex' }, never));
      expect(error.errorClass).toBe('flex_unavailable');
      expect(rig.calls()).toBe(1);
      expect((await rig.llm.complete({ ...prompt, tier: 'standard' }, never)).text).not.toBe('');
    });

    it('tells how long the server wants us to wait', async () => {
      const rig = await start();
      rig.fail('rate_limited');
      expect((await failed(rig.llm.complete(prompt, never))).retryAfterMs).toBeGreaterThan(0);
    });

    it('is cancelled by its signal', async () => {
      const rig = await start();
      expect((await failed(rig.llm.complete(prompt, AbortSignal.abort()))).errorClass).toBe('cancelled');
      expect(rig.calls()).toBe(0);
    });

    it('probes without asking for a completion, and knows a bad key', async () => {
      const rig = await start();
      await rig.llm.probe(never);
      expect((await failed(rig.withWrongKey.probe(never))).errorClass).toBe('auth');
      expect((await failed(rig.withWrongKey.complete(prompt, never))).errorClass).toBe('auth');
      expect(rig.calls()).toBe(0);
    });
  });
}
