import type { Conversation } from '../core/helpdesk.ts';
import { messageText } from './message-text.ts';
import { linksIn } from './plain-text.ts';
import { buildPrompt, type TicketPrompt } from './prompt.ts';

/** What goes to the model, and what is needed to read its answer: plain data, so that it can be kept until then. */
export interface PreparedPrompt extends TicketPrompt {
  /** Links that the team itself has written: only their hosts may be linked in the draft. */
  readonly knownText: string;
}

/** The first half of a draft: everything before the call. `guidelines` are the team's own, empty when there are none. */
export function preparePrompt(
  conversation: Conversation,
  guidelines: string,
  maskPersonalData = false,
): PreparedPrompt {
  const prompt = buildPrompt(conversation, guidelines, maskPersonalData);
  return { ...prompt, knownText: teamLinks(conversation, guidelines) };
}

/** From what the team wrote itself, without what it quoted. */
function teamLinks({ messages }: Conversation, guidelines: string): string {
  const answers = messages.filter(({ author }) => author === 'agent').map(({ html }) => messageText(html).text);
  return [...new Set([guidelines, ...answers].flatMap(linksIn))].join('\n');
}
