import type { Grounding } from '../core/grounding.ts';
import type { Conversation } from '../core/helpdesk.ts';
import type { Prompt } from '../core/language-model.ts';
import { type DraftWish, UNRULED } from '../core/rules.ts';
import { draftSchemaWith } from './draft-schema.ts';
import { choosePassages, type Evidence, knowledgeBlock } from './passages.ts';
import { fitConversation, type FittedMessage } from './fit-conversation.ts';
import { INSTRUCTIONS, MASKED } from './instructions.ts';
import { createMask, type Mask, NO_MASK, type Placeholders } from './mask.ts';
import { asData, attribute, oneLine, plainLine, SUBJECT_MAX_CHARACTERS } from './prompt-marks.ts';
import { estimateTokens } from './token-estimate.ts';
import { guidelinesIn, wishText } from './wish-text.ts';

/** Of the conversation; the fixed text and the guidelines come on top. */
const CONVERSATION_MAX_TOKENS = 6_000;
/** The server counts this before it answers, so it is near what a long reply needs (llm-and-otel.md A4). */
const OUTPUT_MAX_TOKENS = 1_500;
/** What chat servers add around messages, and the label of the ticket. */
const FRAME_TOKENS = 60;

export interface TicketPrompt {
  readonly prompt: Prompt;
  /** What the server will count for the prompt, rather too many than too few; the largest answer comes on top. */
  readonly promptTokens: number;
  /** See `Draft.cut`. */
  readonly cut: string | null;
  /** What stands in the prompt for what; null where nothing was to be masked. */
  readonly placeholders: Placeholders | null;
  /** What of the team's knowledge stands in the prompt; null: there is none. */
  readonly grounding: Grounding | null;
}

/**
 * The prompt for one ticket. The system part is the same bytes for every ticket of a rule, because prompt caches match
 * from the first byte on; knowledge and ticket stand in the user part, between marks that their text cannot contain. With
 * `maskPersonalData` all that comes from outside has placeholders in the place of personal data.
 */
export function buildPrompt(
  conversation: Conversation,
  guidelines: string,
  maskPersonalData = false,
  evidence: Evidence | null = null,
  wish: DraftWish = UNRULED.wish,
): TicketPrompt {
  const mask = maskPersonalData ? createMask(namesIn(conversation)) : NO_MASK;
  const { messages, cut } = fitConversation(conversation, CONVERSATION_MAX_TOKENS, (text) => mask.hide(text));
  const grounding =
    evidence === null
      ? null
      : choosePassages(evidence, { guidelines: guidelinesIn(guidelines, wish), hide: (text) => mask.hide(text) });
  const knowledge = grounding === null ? '' : `${knowledgeBlock(grounding, (text) => mask.hide(text))}\n\n`;
  const prompt: Prompt = {
    system: systemText(guidelines, maskPersonalData, wish),
    user: knowledge + userText(conversation, messages, { cut, mask, wish }),
    schema: draftSchemaWith(wish.categories.map(({ name }) => name)),
    maxOutputTokens: OUTPUT_MAX_TOKENS,
  };
  const promptTokens = fixedTokens(prompt) + estimateTokens(prompt.user) + FRAME_TOKENS;
  return { prompt, promptTokens, cut, placeholders: maskPersonalData ? mask.placeholders() : null, grounding };
}

function namesIn({ messages, requesterName }: Conversation): readonly string[] {
  const told = [requesterName, ...messages.map(({ authorName }) => authorName)].filter((name) => name !== null);
  return [...new Set(told.map(plainLine))];
}

let counted = { system: '', tokens: 0 };

/** Of what is the same for every ticket of a rule: counted once, not once a ticket. The text says which schema it is. */
function fixedTokens({ system, schema }: Prompt): number {
  if (counted.system !== system) {
    counted = { system, tokens: estimateTokens(system) + estimateTokens(JSON.stringify(schema.schema)) };
  }
  return counted.tokens;
}

function systemText(guidelines: string, masked: boolean, wish: DraftWish): string {
  // with categories the guidelines of rules stand beside these
  const own = wish.categories.length === 0 ? guidelinesIn(guidelines, wish) : guidelines.trim();
  return [
    INSTRUCTIONS,
    ...(masked ? [MASKED] : []),
    ...(own === '' ? [] : [`${OWN_GUIDELINES}\n\n${own}`]),
    wishText(wish),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const OWN_GUIDELINES =
  "The team's guidelines. They add to the rules above and come before them where it is about tone, wording and facts:";

function userText(
  conversation: Conversation,
  messages: readonly FittedMessage[],
  { cut, mask, wish }: { readonly cut: string | null; readonly mask: Mask; readonly wish: DraftWish },
): string {
  const { locale } = conversation;
  return [
    `<ticket${locale === null ? '' : attribute('customer-locale', locale)}>`,
    `<subject>${oneLine(mask.hide(plainLine(conversation.subject)), SUBJECT_MAX_CHARACTERS)}</subject>`,
    ...(cut === null ? [] : [`<note>${cut}</note>`]),
    ...messages.map((message) => messageBlock(message, mask)),
    '</ticket>',
    '',
    wish.findingOnly && wish.categories.length === 0
      ? "Say what the customer's newest message above is about, as JSON, without a reply."
      : "Draft the reply to the customer's newest message above, as JSON.",
  ].join('\n');
}

function messageBlock({ message, text }: FittedMessage, mask: Mask): string {
  const label = [
    attribute('from', message.author),
    message.authorName === null ? '' : attribute('name', mask.hideName(plainLine(message.authorName))),
    message.verified ? '' : attribute('sender', 'unverified sender'),
    attribute('time', new Date(message.createdAt).toISOString()),
  ].join('');
  return `<message${label}>\n${asData(text) || '(no text)'}\n</message>`;
}
