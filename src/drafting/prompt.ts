import type { Grounding } from '../core/grounding.ts';
import type { Conversation } from '../core/helpdesk.ts';
import type { Prompt } from '../core/language-model.ts';
import { DRAFT_SCHEMA } from './draft-schema.ts';
import { choosePassages, type Evidence, knowledgeBlock } from './passages.ts';
import { fitConversation, type FittedMessage } from './fit-conversation.ts';
import { INSTRUCTIONS, MASKED } from './instructions.ts';
import { createMask, type Mask, NO_MASK, type Placeholders } from './mask.ts';
import { asData, attribute, oneLine, plainLine, SUBJECT_MAX_CHARACTERS } from './prompt-marks.ts';
import { estimateTokens } from './token-estimate.ts';

/** Of the conversation; the fixed text and the guidelines come on top. */
const CONVERSATION_MAX_TOKENS = 6_000;
/** The server counts this before it answers, so it is near what a long reply needs (llm-and-otel.md A4). */
const OUTPUT_MAX_TOKENS = 1_500;
/** What chat servers add around messages, and the label of the ticket. */
const FRAME_TOKENS = 60;

/** What a model is shown besides the ticket. */
export interface Shown {
  /** What of the team's knowledge stands in the prompt; null: there is none. */
  readonly grounding: Grounding | null;
  /** Takes out what the model must not see. */
  readonly hide: (text: string) => string;
}

/** What is asked about a ticket. */
export interface Asking {
  /** The same bytes for every ticket. */
  readonly instructions: string;
  readonly schema: Prompt['schema'];
  readonly maxOutputTokens: number;
  /** What follows the ticket. */
  readonly request: (shown: Shown) => readonly string[];
}

/** A first draft. */
const DRAFTING: Asking = {
  instructions: INSTRUCTIONS,
  schema: DRAFT_SCHEMA,
  maxOutputTokens: OUTPUT_MAX_TOKENS,
  request: () => ["Draft the reply to the customer's newest message above, as JSON."],
};

/** The same rules, so that the prompt cache holds, for a draft that was objected to. */
export function redraftingAs(request: Asking['request']): Asking {
  return { ...DRAFTING, request };
}

export interface PromptOptions {
  /** What the team has written about the ticket; null (the default): there is no knowledge base. */
  readonly evidence?: Evidence | null;
  /** For something else than a first draft. */
  readonly asking?: Asking | undefined;
}

export interface TicketPrompt extends Pick<Shown, 'grounding'> {
  readonly prompt: Prompt;
  /** What the server will count for the prompt, rather too many than too few; the largest answer comes on top. */
  readonly promptTokens: number;
  /** See `Draft.cut`. */
  readonly cut: string | null;
  /** What stands in the prompt for what; null where nothing was to be masked. */
  readonly placeholders: Placeholders | null;
}

/**
 * The prompt for one ticket. The system part is the same bytes for every ticket, because prompt caches match from the
 * first byte on; knowledge and ticket stand in the user part, between marks that their text cannot contain. With
 * `maskPersonalData` all that comes from outside has placeholders in the place of personal data.
 */
export function buildPrompt(
  conversation: Conversation,
  guidelines: string,
  maskPersonalData = false,
  { evidence = null, asking = DRAFTING }: PromptOptions = {},
): TicketPrompt {
  const mask = maskPersonalData ? createMask(namesIn(conversation)) : NO_MASK;
  const hide = (text: string): string => mask.hide(text);
  const { messages, cut } = fitConversation(conversation, CONVERSATION_MAX_TOKENS, hide);
  const grounding = evidence === null ? null : choosePassages(evidence, { guidelines, hide });
  const prompt: Prompt = {
    system: systemText(asking.instructions, guidelines, maskPersonalData),
    user: [
      ...(grounding === null ? [] : [knowledgeBlock(grounding, hide), '']),
      ...ticketBlock(conversation, messages, { cut, mask }),
      '',
      ...asking.request({ grounding, hide }),
    ].join('\n'),
    schema: asking.schema,
    maxOutputTokens: asking.maxOutputTokens,
  };
  const promptTokens = fixedTokens(prompt) + estimateTokens(prompt.user) + FRAME_TOKENS;
  return { prompt, promptTokens, cut, placeholders: maskPersonalData ? mask.placeholders() : null, grounding };
}

function namesIn({ messages, requesterName }: Conversation): readonly string[] {
  const told = [requesterName, ...messages.map(({ authorName }) => authorName)].filter((name) => name !== null);
  return [...new Set(told.map(plainLine))];
}

/** By the name of the schema. */
const counted = new Map<string, { readonly system: string; readonly tokens: number }>();

/** Of what is the same for every ticket: counted once, not once a ticket. */
function fixedTokens({ system, schema }: Prompt): number {
  const known = counted.get(schema.name);
  if (known?.system === system) return known.tokens;
  const tokens = estimateTokens(system) + estimateTokens(JSON.stringify(schema.schema));
  counted.set(schema.name, { system, tokens });
  return tokens;
}

function systemText(instructions: string, guidelines: string, masked: boolean): string {
  const own = guidelines.trim();
  const rules = masked ? `${instructions}\n\n${MASKED}` : instructions;
  if (own === '') return rules;
  return `${rules}\n\nThe team's guidelines. They add to the rules above and come before them where it is about tone, wording and facts:\n\n${own}`;
}

function ticketBlock(
  conversation: Conversation,
  messages: readonly FittedMessage[],
  { cut, mask }: { readonly cut: string | null; readonly mask: Mask },
): readonly string[] {
  const { locale } = conversation;
  return [
    `<ticket${locale === null ? '' : attribute('customer-locale', locale)}>`,
    `<subject>${oneLine(mask.hide(plainLine(conversation.subject)), SUBJECT_MAX_CHARACTERS)}</subject>`,
    ...(cut === null ? [] : [`<note>${cut}</note>`]),
    ...messages.map((message) => messageBlock(message, mask)),
    '</ticket>',
  ];
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
