import type { Conversation, Message } from '../core/helpdesk.ts';
import { type MessageText, textOfMessage } from './message-text.ts';
import { estimateTokens } from './token-estimate.ts';

/** Beside its text, a message costs its label. */
const LABEL_TOKENS = 40;

/** Share of an over-long message that is kept from its beginning; the rest comes from its end. */
const HEAD_SHARE = 0.7;

export interface FittedMessage {
  readonly message: Message;
  readonly text: string;
}

export interface FittedConversation {
  /** Oldest first. */
  readonly messages: readonly FittedMessage[];
  /** A sentence that says what was left out; null when nothing was. */
  readonly cut: string | null;
}

/**
 * As much of a conversation as fits `maxTokens`: the customer's newest message first (cut in its middle only when it
 * alone is too long), then the others, newest first. `hide` takes out what the model must not see, before anything is
 * cut: half an address would be none any more.
 */
export function fitConversation(
  conversation: Conversation,
  maxTokens: number,
  hide: (text: string) => string = (text) => text,
): FittedConversation {
  const { messages, omitted } = conversation;
  const read = (message: Message): MessageText => {
    const { text, cut } = textOfMessage(message);
    return { text: hide(text), cut };
  };
  const asked = messages.findLastIndex(({ author }) => author === 'customer');
  const newest = messages[asked] ?? messages.at(-1);
  const fitted = new Map<Message, string>();
  let shortened = false;
  let left = maxTokens;
  if (newest !== undefined) {
    const whole = read(newest);
    const { text, tokens } = cutMiddle(whole.text, left - LABEL_TOKENS);
    shortened = whole.cut || text !== whole.text;
    fitted.set(newest, text);
    left -= tokens + LABEL_TOKENS;
  }
  for (const message of messages.filter((other) => other !== newest).toReversed()) {
    const { text, cut } = read(message);
    const tokens = estimateTokens(text) + LABEL_TOKENS;
    // what is older than a gap would only confuse
    if (cut || tokens > left) break;
    fitted.set(message, text);
    left -= tokens;
  }
  return {
    messages: messages.flatMap((message) => {
      const text = fitted.get(message);
      return text === undefined ? [] : [{ message, text }];
    }),
    cut: describeCut(messages.length - fitted.size + omitted, shortened),
  };
}

function describeCut(leftOut: number, shortened: boolean): string | null {
  const older = leftOut === 0 ? null : leftOut === 1 ? 'one older message' : `${leftOut} older messages`;
  const middle = shortened ? 'a part of the newest message' : null;
  const parts = [older, middle].filter((part) => part !== null);
  return parts.length === 0
    ? null
    : `Left out of this draft, because the conversation is too long: ${parts.join(' and ')}.`;
}

/** A text of at most `maxTokens`, by leaving out its middle and saying so there; with its count, which costs to make. */
function cutMiddle(text: string, maxTokens: number): { readonly text: string; readonly tokens: number } {
  const tokens = estimateTokens(text);
  if (tokens <= maxTokens) return { text, tokens };
  // tokens are not spread evenly over a text: try shorter ones until it fits
  for (let length = Math.floor((text.length * maxTokens) / tokens); length > 0; length = Math.floor(length * 0.85)) {
    const headLength = Math.floor(length * HEAD_SHARE);
    // a character of two units may be cut in half
    const head = text.slice(0, headLength).replace(/[\uD800-\uDBFF]$/, '');
    const tail = text.slice(text.length - (length - headLength)).replace(/^[\uDC00-\uDFFF]/, '');
    const cut = `${head}\n[… ${text.length - length} characters left out here …]\n${tail}`;
    const cutTokens = estimateTokens(cut);
    if (cutTokens <= maxTokens) return { text: cut, tokens: cutTokens };
  }
  return { text: '', tokens: 0 };
}
