import { expect, it } from 'vitest';
import { findEvidence } from '../../src/pool/find-evidence.ts';
import { fakeKnowledge, makeArticle, makeCanned, makeFound, NOTHING_FOUND } from '../support/fake-knowledge.ts';
import { makeConversation, makeMessage } from '../support/stub-helpdesk.ts';

const helpdesk = { name: 'zendesk', ticketUrl: (id: string) => `https://acme.example/${id}` };

it('asks for what the customer wants to know now, in plain text, and not for their own tickets', async () => {
  const knowledge = fakeKnowledge();
  const messages = [
    makeMessage({ html: 'Old question' }),
    makeMessage({ author: 'agent', html: 'Old answer' }),
    makeMessage({ html: '<p>It <b>still</b> does not start.</p><div class="gmail_quote">Old answer</div>' }),
    makeMessage({ html: '<p>Any news?</p>' }),
  ];
  await findEvidence(makeConversation('1', { messages, locale: 'de' }), helpdesk, knowledge);
  expect(knowledge.asked).toEqual([
    {
      subject: 'Subject of 1',
      text: 'It still does not start.\n\nAny news?',
      customer: 'zendesk/7',
      ticketId: 'zendesk/1',
      locale: 'de',
    },
  ]);
  await findEvidence(makeConversation('1', { requesterId: null }), helpdesk, knowledge);
  expect(knowledge.asked[1]?.customer).toBeNull();
});

it('knows where agents see the tickets of this helpdesk, and of no other', async () => {
  const evidence = await findEvidence(makeConversation('1'), helpdesk, fakeKnowledge());
  expect([evidence?.ticketUrl('zendesk/5158'), evidence?.ticketUrl('import/5158')]).toEqual([
    'https://acme.example/5158',
    null,
  ]);
  const without = await findEvidence(makeConversation('1'), { name: 'freshdesk' }, fakeKnowledge());
  expect(without?.ticketUrl('freshdesk/1')).toBeNull();
});

it('is nothing without a knowledge base, or with one that is empty or has ready-made replies only', async () => {
  expect(await findEvidence(makeConversation('1'), helpdesk, undefined)).toBeNull();
  for (const found of [NOTHING_FOUND, makeFound({ articles: [], solved: [], canned: [makeCanned()] })]) {
    const knowledge = fakeKnowledge(found);
    knowledge.counts = { articles: 0, solved: 0, canned: found.canned.length };
    expect(await findEvidence(makeConversation('1'), helpdesk, knowledge)).toBeNull();
    knowledge.counts = { articles: 0, solved: 3, canned: 0 };
    expect((await findEvidence(makeConversation('1'), helpdesk, knowledge))?.found).toBe(found);
  }
  const knowledge = fakeKnowledge(makeFound({ articles: [makeArticle()], solved: [] }));
  // who has found something has not to be asked how much there is
  knowledge.summary = () => expect.unreachable();
  expect(await findEvidence(makeConversation('1'), helpdesk, knowledge)).not.toBeNull();
});
