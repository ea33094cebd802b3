import { describe, expect, it } from 'vitest';
import type { Grounding } from '../../src/core/grounding.ts';
import { finishDraft } from '../../src/drafting/finish-draft.ts';
import { LanguageModelError } from '../../src/core/language-model.ts';
import { preparePrompt } from '../../src/drafting/prepare-prompt.ts';
import { makeTeam } from '../support/factories.ts';
import { HELP_URL, makeArticle, makeEvidence, makeSolved, NOTHING_FOUND } from '../support/fake-knowledge.ts';
import { makeConversation } from '../support/stub-helpdesk.ts';
import { makeCompletion } from '../support/stub-language-model.ts';

type Found = Parameters<typeof makeEvidence>[0];

/** What becomes of an answer, hours later, with what was kept as JSON. */
function draftOf(answer: Record<string, unknown>, found: Found | null = {}, team = makeTeam()) {
  const evidence = found === null ? null : makeEvidence(found);
  const prepared = preparePrompt(makeConversation('1'), team, { evidence });
  const { knownText, placeholders, grounding, versions, cut } = JSON.parse(JSON.stringify(prepared)) as typeof prepared;
  const whole = {
    reply: 'Hello,\n\nhold the button.',
    language: 'en',
    confidence: 0.8,
    claims: [],
    questions: [],
    missing: [],
  };
  const text = JSON.stringify({ ...whole, no_draft_reason: null, ...answer });
  return finishDraft(makeCompletion({ text }), { knownText, placeholders, grounding, versions, cut, model: 'm' });
}

const PROVEN = { claim: 'Hold the button', source: 'A1', quote: 'Hold the button for five seconds.' };
const INVENTED = { claim: 'It takes a week', source: 'A1', quote: 'Repairs take a week at most.' };
const weak: Found = { articles: [makeArticle({ share: 0.14 })] };

describe('a draft that rests on knowledge', () => {
  it('names the source of each quote that stands there, and why it was shown', () => {
    const { sources, unproven, closest, body } = draftOf({
      claims: [PROVEN, { ...PROVEN, source: '[T1]', quote: 'charge it for two hours before' }],
    });
    expect(body).toBe('Hello,\n\nhold the button.');
    expect(sources).toEqual([
      {
        kind: 'article',
        id: 'zendesk/360001',
        title: 'When it does not start',
        url: HELP_URL,
        restricted: false,
        share: 0.42,
        votes: 7,
        quote: 'Hold the button for five seconds',
      },
      {
        kind: 'ticket',
        id: 'zendesk/5158',
        title: 'Ticket zendesk/5158',
        restricted: false,
        share: null,
        votes: null,
        url: 'https://acme.zendesk.example/agent/tickets/5158',
        quote: 'charge it for two hours before',
      },
    ]);
    expect([unproven, closest]).toEqual([[], []]);
  });

  it.each([
    ['an invented quote', INVENTED, 'It takes a week (the quote is not in When it does not start)'],
    [
      'a quote of another source',
      { ...PROVEN, source: 'M1' },
      'Hold the button (the quote is not in Ask for the serial number)',
    ],
    ['an unknown id', { ...PROVEN, source: 'A9' }, 'Hold the button (no source)'],
    ['no source', { ...PROVEN, source: null, quote: null }, 'Hold the button (no source)'],
    [
      'a quote of one word',
      { ...PROVEN, quote: 'the' },
      'Hold the button (the quote is not in When it does not start)',
    ],
  ])('lists %s as unproven', (_, claim, expected) => {
    const { sources, unproven } = draftOf({ claims: [PROVEN, claim] });
    expect(sources).toHaveLength(1);
    expect(unproven).toEqual([expected]);
  });

  it('says so when nothing is proved, though an article comes near', () => {
    expect(draftOf({}).unproven).toEqual(['The whole draft: it quotes nothing that your team has written.']);
  });

  it('survives claims that are none, and answers as an earlier version asked for them', () => {
    for (const claims of [undefined, 'x', [1], [{ claim: 'x' }]]) {
      expect(draftOf({ claims, missing: undefined }).body).toContain('hold the button');
    }
    const old = { knownText: '', cut: null, model: 'm' };
    const text = JSON.stringify({
      reply: 'Hello',
      language: 'en',
      confidence: 1,
      questions: [],
      no_draft_reason: null,
    });
    expect(finishDraft(makeCompletion({ text }), old)).toMatchObject({
      body: 'Hello',
      sources: [],
      unproven: [],
      versions: null,
    });
  });

  it('links to retrieved articles that everybody may read, and to no other', () => {
    const secret = 'https://help.acme.example/hc/articles/360999-internal';
    const articles = [
      makeArticle(),
      makeArticle({ id: 'zendesk/360999', title: 'Internal', url: secret, restricted: true }),
    ];
    const reply = `See ${HELP_URL}, [here](${HELP_URL}#top), ${HELP_URL}x https://help.acme.example/other, ${secret} (https://help.acme.example/hc/de/articles/360999) help.acme.example/hc/articles/360999-internal?x=1 https://evil.example/?u=${HELP_URL}`;
    const claims = [{ ...PROVEN, source: 'A2' }];
    // also where the team links to that host itself
    for (const linkHosts of [[], ['help.acme.example']]) {
      const { body, questions, sources } = draftOf({ reply, claims }, { articles }, makeTeam({ linkHosts }));
      expect(body).toContain(`See ${HELP_URL}, here (${HELP_URL}#top),`);
      expect(body).not.toMatch(/360999|internal/);
      expect(body).toContain('hxxps://evil.example');
      expect(body).toMatch(
        linkHosts.length === 0 ? /hxxps:\/\/help\.acme\.example\/other/ : / https:\/\/help\.acme\.example\/other/,
      );
      expect(questions.join()).toContain('not every customer may see');
      // the agent may
      expect(sources).toMatchObject([{ id: 'zendesk/360999', url: secret, restricted: true }]);
    }
  });

  it('has no ids of passages in it, and tells the agent of what was taken out', () => {
    const { body, questions } = draftOf({ reply: 'Hold it [A1], charge it (T1, A1). Dear […].', claims: [PROVEN] });
    expect(body).toBe('Hold it, charge it. Dear […].');
    expect(questions.join()).toContain('taken out of another ticket');
  });

  it('shows what the source says, not what the model made of it', () => {
    const quote = 'hold the BUTTON ](https://evil.example) for five seconds';
    expect(draftOf({ claims: [PROVEN, { ...PROVEN, quote }] }).sources).toHaveLength(1);
    const { sources } = draftOf({ claims: [{ ...PROVEN, quote: '**hold** the BUTTON, <for> five seconds' }] });
    expect(sources.map(({ quote: shown }) => shown)).toEqual([]);
    expect(draftOf({ claims: [{ ...PROVEN, quote: '**hold** the BUTTON, for five seconds' }] }).sources[0]?.quote).toBe(
      'Hold the button for five seconds',
    );
  });

  it('proves quotes with placeholders, and shows what they stand for', () => {
    const articles = [makeArticle({ passage: 'Write to help@acme.example within ten days.' })];
    const claims = [{ claim: 'Write to [email 1]', source: 'A1', quote: 'Write to [email 1] within ten days' }];
    const { sources, body } = draftOf(
      { reply: 'Write to [email 1].', claims },
      { articles },
      makeTeam({ maskPersonalData: true }),
    );
    expect(body).toBe('Write to help@acme.example.');
    expect(sources[0]?.quote).toBe('Write to help@acme.example within ten days');
  });

  it('is stamped with what made it', () => {
    const { versions } = draftOf({ claims: [PROVEN] }, {}, makeTeam({ guidelines: 'Be kind.' }));
    expect(versions).toEqual({
      prompt: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
      guidelines: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
      rules: null,
      model: 'gpt-6-luna',
      knowledge: 'k1',
    });
    expect(draftOf({}, {}, makeTeam({ guidelines: 'Be quick.' })).versions?.guidelines).not.toBe(versions?.guidelines);
    expect(draftOf({}, null).versions).toMatchObject({ prompt: versions?.prompt, guidelines: null, knowledge: null });
  });
});

describe('no draft', () => {
  it.each<[string, Found]>([
    ['the best article is far off', weak],
    ['nothing was found', NOTHING_FOUND],
  ])('is made when %s and no quote answers', (_, found) => {
    const draft = draftOf(
      { claims: [INVENTED], missing: ['How long a repair takes'], questions: ['Which model is it?'] },
      found,
    );
    expect(draft).toMatchObject({
      body: null,
      finding: 'Nothing that your team has written answers this ticket.',
      missing: ['How long a repair takes'],
      questions: ['Which model is it?'],
      sources: [],
      unproven: [],
    });
    expect(draft.closest.map(({ id, url }) => [id, url])).toEqual(found === weak ? [['zendesk/360001', HELP_URL]] : []);
  });

  it.each(['A1', 'T1', 'M1'])('is forced where a quote of %s answers, however far off the articles are', (source) => {
    const quote = { A1: PROVEN.quote, T1: 'charge it for two hours before', M1: 'send us the serial number' }[source];
    expect(draftOf({ claims: [{ ...PROVEN, source, quote }] }, weak).body).not.toBeNull();
  });

  it('is forced from the threshold on, which retrieval.md gives', () => {
    expect(draftOf({ claims: [INVENTED] }, { articles: [makeArticle({ share: 0.15 })] }).body).not.toBeNull();
    expect(draftOf({ claims: [INVENTED] }, { articles: [makeArticle({ share: 0.1499 })] }).body).toBeNull();
  });

  it('is forced without a knowledge base: a fresh install drafts', () => {
    expect(draftOf({ claims: [INVENTED] }, null)).toMatchObject({
      body: 'Hello,\n\nhold the button.',
      unproven: [],
      closest: [],
    });
  });

  it('is not needed for a reply that only asks, of which nobody can be sure', () => {
    const reply = 'Hello,\n\nwhich device is it, and what does it show?';
    expect(draftOf({ reply, confidence: 0.9 }, weak)).toMatchObject({
      body: reply,
      confidence: 0.3,
      unproven: [expect.stringContaining('should only ask')],
    });
    expect(draftOf({ reply, confidence: 0.1 }, NOTHING_FOUND).confidence).toBe(0.1);
  });

  it.each([
    ['advice in steps', 'Did you try this?\n1. Open it.\n2. Close it.'],
    ['a link', 'Have you seen https://acme.example/x?'],
    ['an essay', `${'We know of that. '.repeat(60)} Does it work?`],
    ['facts with a question behind', `${'Refunds are paid within sixty days. '.repeat(8)}Anything else?`],
    ['no question', 'It is broken.'],
  ])('is made of %s, which only seems to ask', (_, reply) => {
    expect(draftOf({ reply }, weak).body).toBeNull();
  });

  it("keeps the model's own reason, and names the closest articles", () => {
    const articles = Array.from({ length: 5 }, (_, index) =>
      makeArticle({ id: `a/${index}`, restricted: index === 1 }),
    );
    const draft = draftOf({ reply: null, no_draft_reason: 'Only thanks.', claims: [PROVEN] }, { articles });
    expect(draft).toMatchObject({ finding: 'Only thanks.', sources: [] });
    expect(draft.closest.map(({ id }) => id)).toEqual(['a/0', 'a/1', 'a/2']);
  });

  it('names them where the model declined, too', () => {
    const grounding: Grounding = preparePrompt(makeConversation('1'), makeTeam(), { evidence: makeEvidence() })
      .grounding ?? {
      passages: [],
      bestShare: 0,
    };
    const draft = finishDraft(new LanguageModelError('refusal', 'x'), {
      knownText: '',
      cut: null,
      model: 'm',
      grounding,
    });
    expect(draft.closest.map(({ id }) => id)).toEqual(['zendesk/360001']);
  });
});

it("answers in the customer's language whatever language the source has", () => {
  const articles = [makeArticle({ locale: 'de', passage: 'Halten Sie die Taste fünf Sekunden lang gedrückt.' })];
  const claims = [
    { claim: 'Hold the button', source: 'A1', quote: 'Halten Sie die Taste fünf Sekunden lang gedrückt' },
  ];
  expect(draftOf({ claims }, { articles, solved: [makeSolved()] })).toMatchObject({
    language: 'en',
    sources: [{ kind: 'article' }],
  });
});
