import { expect, it } from 'vitest';
import { UNRULED } from '../../src/core/rules.ts';
import { createHandOver } from '../../src/pool/hand-over.ts';
import { makeArticle, makeEvidence } from '../support/fake-knowledge.ts';
import { makeConversation, makeMessage } from '../support/stub-helpdesk.ts';

const material = (characters: number) => ({
  conversation: makeConversation('1', { subject: '', messages: [makeMessage({ html: 'x'.repeat(characters) })] }),
  evidence: null,
  asked: UNRULED,
  fetchedAt: 0,
  facts: { subject: '', requesterId: null },
});

it('hands over what was kept, until it is dropped', () => {
  const handOver = createHandOver();
  const kept = material(10);
  handOver.keep('a', kept);
  expect(handOver.find('a')).toBe(kept);
  handOver.drop('a');
  expect(handOver.find('a')).toBeNull();
});

it('keeps to its bytes: the oldest go, and what is larger than all is not kept', () => {
  const handOver = createHandOver(10_000);
  for (const id of ['a', 'b', 'c']) handOver.keep(id, material(1_500));
  expect(['a', 'b', 'c'].filter((id) => handOver.find(id) !== null)).toEqual(['b', 'c']);
  handOver.keep('b', material(2_000));
  expect(['b', 'c'].filter((id) => handOver.find(id) !== null)).toEqual(['b', 'c']);
  handOver.keep('d', material(6_000));
  expect(['b', 'c', 'd'].filter((id) => handOver.find(id) !== null)).toEqual(['b', 'c']);
});

it('counts what was found, too', () => {
  const handOver = createHandOver(10_000);
  const evidence = makeEvidence({ articles: [makeArticle({ passage: 'x'.repeat(4_500) })] });
  handOver.keep('a', { ...material(10), evidence });
  expect(handOver.find('a')).toBeNull();
});
