import type { Conversation, Helpdesk } from '../core/helpdesk.ts';
import type { KnowledgeBase } from '../core/knowledge-base.ts';
import { textOfMessage } from '../drafting/message-text.ts';
import type { Evidence } from '../drafting/passages.ts';

/** Newest messages of the customer that make the question, and how much of them. */
const MESSAGES_MAX = 3;
const QUESTION_MAX_CHARACTERS = 4_000;

/**
 * What the team has written about a ticket's question; null where it has written nothing yet: a fresh install drafts
 * without. Ready-made replies alone are no knowledge either, they answer next to nothing. `alsoText` is looked for in the
 * articles besides. Throws what the search throws.
 */
export async function findEvidence(
  conversation: Conversation,
  helpdesk: Pick<Helpdesk, 'name' | 'ticketUrl'>,
  knowledge: Pick<KnowledgeBase, 'search' | 'summary'> | undefined,
  alsoText: string | null = null,
): Promise<Evidence | null> {
  if (knowledge === undefined) return null;
  const { ticketId, subject, requesterId, locale } = conversation;
  const prefix = `${helpdesk.name}/`;
  const found = await knowledge.search({
    subject,
    text: questionOf(conversation),
    ...(alsoText === null || alsoText === '' ? {} : { alsoText }),
    customer: requesterId === null ? null : prefix + requesterId,
    ticketId: prefix + ticketId,
    locale,
  });
  if (found.articles.length + found.solved.length === 0) {
    const { counts } = knowledge.summary();
    if (counts.articles + counts.solved === 0) return null;
  }
  const ticketUrl = (id: string): string | null =>
    id.startsWith(prefix) ? (helpdesk.ticketUrl?.(id.slice(prefix.length)) ?? null) : null;
  return { found, ticketUrl };
}

/** What the customer has written since the last answer. */
function questionOf({ messages }: Conversation): string {
  const answered = messages.findLastIndex(({ author }) => author === 'agent');
  return messages
    .slice(answered + 1)
    .slice(-MESSAGES_MAX)
    .map((message) => textOfMessage(message).text)
    .join('\n\n')
    .slice(-QUESTION_MAX_CHARACTERS);
}
