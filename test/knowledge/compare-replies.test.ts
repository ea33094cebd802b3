import { describe, expect, it } from 'vitest';
import { compareReplies, createWordWeights, hasWords } from '../../src/knowledge/compare-replies.ts';
import { languageOf } from '../../src/knowledge/language-of.ts';

const draft = (body: string, url: string | null = null) => ({
  body,
  articles: url === null ? [] : [{ id: 'zendesk/7', url }],
});
const people = (reply: string, articles: readonly string[] | null = null) => ({ reply, articles });
const weights = createWordWeights();
for (const reply of ['Hello, charge the battery.', 'Hello, buy a new lamp.', 'Hello, clean the filter.'])
  weights.add(reply);
const compare = (...[made, answer]: [ReturnType<typeof draft>, ReturnType<typeof people>]) =>
  compareReplies(made, answer, weights);

describe('a draft beside what people answered', () => {
  it('is the more like it the more telling words they share', () => {
    const answer = people('<p>Hello, please <b>charge the battery</b> for two hours.</p>');
    const [same, near, greeting, other] = [
      'Hello, please charge the battery for two hours.',
      'You could charge the battery.',
      'Hello, buy a lamp.',
      'Buy a lamp.',
    ].map((body) => compare(draft(body), answer).similarity);
    expect(same).toBeCloseTo(1);
    expect(near).toBeGreaterThan(0.3);
    expect(greeting).toBeLessThan(0.15);
    expect(other).toBe(0);
  });

  it.each([
    ['a link in the draft', draft('See https://help.acme.example/hc/en-us/articles/7-start.'), true],
    ['an article it rests on', draft('Hold the button.', 'https://help.acme.example/hc/de/articles/7'), true],
    ['another article', draft('See https://help.acme.example/hc/en-us/articles/8-stop'), false],
  ])('shares an article by %s', (_, made, expected) => {
    const reply = '<a href="https://help.acme.example/hc/en-us/articles/7-when-it-starts">Read this</a>';
    expect(compare(made, people(reply)).sharedLink).toBe(expected);
  });

  it('shares an article that was named by its id, and none where people named none', () => {
    const made = draft('Hold the button.', 'https://help.acme.example/hc/de/articles/7');
    expect(compare(made, people('Hold it.', ['zendesk/7'])).sharedLink).toBe(true);
    expect(compare(made, people('Hold it.', ['zendesk/8'])).sharedLink).toBe(false);
    expect(compare(made, people('Hold it.')).sharedLink).toBe(null);
  });

  it('tells language and length', () => {
    const german = people('Bitte laden Sie den Akku auf, und drücken Sie dann auf den Knopf.');
    expect(compare(draft('Please charge the battery, and then press the button on it.'), german)).toMatchObject({
      sameLanguage: false,
      lengthRatio: expect.closeTo(0.92, 1),
    });
    expect(compare(draft('Bitte drücken Sie auf den Knopf, der an der Seite ist.'), german).sameLanguage).toBe(true);
    expect(compare(draft('OK'), german).sameLanguage).toBe(null);
  });

  it('takes nothing to compare with for nothing', () => {
    expect(compare(draft('Hello'), people('')).similarity).toBe(0);
    expect(['<p>What is it?</p>', '<img src="x">', ' '].map(hasWords)).toEqual([false, false, false]);
    expect(hasWords('Charge it.')).toBe(true);
  });
});

describe('the language of a text', () => {
  it.each([
    ['en', 'I cannot find the message that you sent to me yesterday.'],
    ['de', 'Ich kann die Nachricht nicht finden, die Sie mir gestern geschickt haben.'],
    ['it', 'Non riesco a trovare il messaggio che mi avete mandato ieri.'],
    ['nl', 'Ik kan het bericht niet vinden dat u mij gisteren heeft gestuurd.'],
    ['fr', 'Je ne trouve pas le message que vous m’avez envoyé hier.'],
    ['ja', '昨日送っていただいたメッセージが見つかりません。'],
    ['ru', 'Я не могу найти сообщение.'],
    [null, 'Firefox 115.11.0'],
    [null, ''],
  ])('%s', (language, text) => {
    expect(languageOf(text)).toBe(language);
  });
});
