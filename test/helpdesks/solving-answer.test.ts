import { describe, expect, it } from 'vitest';
import { solvedPair } from '../../src/helpdesks/solving-answer.ts';
import { makeMessage } from '../support/stub-helpdesk.ts';

const LONG = 'Please open the settings of the app, choose Battery, and set it to unrestricted; then sign in once more.';
const LINK = '<p>See <a href="https://acme.zendesk.com/hc/en-us/articles/9011">Signing in</a>.</p>';
const QUESTION = '<p>The app asks for my password each morning. What can I do about that?</p>';
const CLOSING =
  'We have not heard from you for a while and so we take it that all is well. This request will be closed now. Thank you.';

const customer = (html: string) => makeMessage({ author: 'customer', html });
const agent = (html: string) => makeMessage({ author: 'agent', html });

function reply(...messages: Parameters<typeof solvedPair>[0]): string | null {
  return solvedPair(messages)?.reply ?? null;
}

describe('the answer that solved it', () => {
  it('is the only one there is', () => {
    expect(solvedPair([customer(QUESTION), { ...agent(LONG), createdAt: 7 }])).toEqual({
      description: QUESTION,
      reply: LONG,
      answeredAt: 7,
    });
  });

  it('is the last after a question: an earlier one has not solved it', () => {
    const again = customer('<p>I have done that, but it still asks. Is there anything else?</p>');
    expect(reply(customer(QUESTION), agent(LINK), again, agent(LONG))).toBe(LONG);
  });

  it('is not "you are welcome", nor what closes the ticket', () => {
    const thanks = customer('<p>Thanks, that did it!</p>');
    expect(reply(customer(QUESTION), agent(LINK), thanks, agent('<p>You are welcome!</p>'))).toBe(LINK);
    expect(reply(customer(QUESTION), agent(LINK), thanks, agent(CLOSING))).toBe(LINK);
    expect(reply(customer(QUESTION), agent(`${LONG}${LINK}`), agent(CLOSING))).toBe(`${LONG}${LINK}`);
  });

  it('is not what a person asked back in a word', () => {
    expect(reply(customer(QUESTION), agent('<p>Which phone?</p>'), customer('Pixel 9'), agent(LONG))).toBe(LONG);
    expect(reply(customer(QUESTION), agent('<p>Which phone?</p>'))).toBeNull();
  });

  it('comes without the mail that it quotes', () => {
    const quoted = `<p>${LONG}</p><div class="gmail_quote"><p>${QUESTION}</p></div>`;
    expect(reply(customer(QUESTION), agent(quoted))).toBe(`<p>${LONG}</p>`);
    const short = `<p>Thanks.</p><div class="freshdesk_quote">${LONG} ${LONG}</div>`;
    expect(reply(customer(QUESTION), agent(short))).toBeNull();
  });

  it('may be in a script that says much in few characters', () => {
    const answer = '発送前でしたので、ご注文をキャンセルしました。返金はお支払い方法と同じです。';
    expect(reply(customer('昨日の注文をキャンセルしたいのですが、可能でしょうか？'), agent(answer))).toBe(answer);
  });

  it('is none where nobody answered, nobody asked, or something was redacted', () => {
    expect(reply(customer(QUESTION))).toBeNull();
    expect(reply(agent(LONG))).toBeNull();
    expect(reply(customer(QUESTION), { ...agent(LONG), public: false })).toBeNull();
    expect(reply(customer('My card is ▇▇▇▇▇▇▇▇. Is that all right?'), agent(LONG))).toBeNull();
  });

  it('is none of ours: a draft that was published by mistake is no answer of the team', () => {
    expect(reply(customer(QUESTION), agent(`<p>${LONG}</p><p>Draftdesk ref dd-abcdefghijkl</p>`))).toBeNull();
  });
});
