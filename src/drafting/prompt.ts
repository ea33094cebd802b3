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

/** What a model is shown besides the ticket. */
export interface Shown {
  /** What of the team's knowledge stands in the prompt; null: there is none. */
  readonly grounding: Grounding | null;
  /** Takes out what the model must not see. */
  readonly hide: (text: string) => string;
  readonly wish: DraftWish;
}

/** What is asked about a ticket. */
export interface Asking {
  /** The same bytes for every ticket. */
  readonly instructions: string;
  /** Null: a draft's, with the categories of the rules. */
  readonly schema: Prompt['schema'] | null;
  readonly maxOutputTokens: number;
  /** What follows the ticket. */
  readonly request: (shown: Shown) => readonly string[];
}

/** A first draft. */
const DRAFTING: Asking = {
  instructions: INSTRUCTIONS,
  schema: null,
  maxOutputTokens: OUTPUT_MAX_TOKENS,
  request: ({ wish }) => [
    wish.findingOnly && wish.categories.length === 0
      ? "Say what the customer's newest message above is about, as JSON, without a reply."
      : "Draft the reply to the customer's newest message above, as JSON.",
  ],
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
  /** What rules want of it; default: they say nothing. */
  readonly wish?: DraftWish;
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
 * The prompt for one ticket. The system part is the same bytes for every ticket of a rule, because prompt caches match
 * from the first byte on; knowledge and ticket stand in the user part, between marks that their text cannot contain. With
 * `maskPersonalData` all that comes from outside has placeholders in the place of personal data.
 */
export function buildPrompt(
  conversation: Conversation,
  guidelines: string,
  maskPersonalData = false,
  { evidence = null, asking = DRAFTING, wish = UNRULED.wish }: PromptOptions = {},
): TicketPrompt {
  const mask = maskPersonalData ? createMask(namesIn(conversation)) : NO_MASK;
  const hide = (text: string): string => mask.hide(text);
  const { messages, cut } = fitConversation(conversation, CONVERSATION_MAX_TOKENS, hide);
  const grounding =
    evidence === null ? null : choosePassages(evidence, { guidelines: guidelinesIn(guidelines, wish), hide });
  const prompt: Prompt = {
    system: systemText(asking, guidelines, maskPersonalData, wish),
    user: [
      ...(grounding === null ? [] : [knowledgeBlock(grounding, hide), '']),
      ...ticketBlock(conversation, messages, { cut, mask }),
      '',
      ...asking.request({ grounding, hide, wish }),
    ].join('\n'),
    schema: asking.schema ?? draftSchemaWith(wish.categories.map(({ name }) => name)),
    maxOutputTokens: asking.maxOutputTokens,
  };
  const promptTokens = fixedTokens(prompt) + estimateTokens(prompt.user) + FRAME_TOKENS;
  return { prompt, promptTokens, cut, placeholders: maskPersonalData ? mask.placeholders() : null, grounding };
}

function namesIn({ messages, requesterName }: Conversation): readonly string[] {
  const told = [requesterName, ...messages.map(({ authorName }) => authorName)].filter((name) => name !== null);
  return [...new Set(told.map(plainLine))];
}

/** By the fixed text. */
const counted = new Map<string, number>();
/** More than a file of rules needs. */
const COUNTED_MAX = 100;

/** Of what is the same for every ticket of a rule: counted once, not once a ticket. The text says which schema it is. */
function fixedTokens({ system, schema }: Prompt): number {
  const known = counted.get(system);
  if (known !== undefined) return known;
  const tokens = estimateTokens(system) + estimateTokens(JSON.stringify(schema.schema));
  if (counted.size >= COUNTED_MAX) counted.clear();
  counted.set(system, tokens);
  return tokens;
}

function systemText({ instructions, schema }: Asking, guidelines: string, masked: boolean, wish: DraftWish): string {
  const writes = schema === null;
  // with categories the guidelines of rules stand beside these
  const own = writes && wish.categories.length > 0 ? guidelines.trim() : guidelinesIn(guidelines, wish);
  return [
    instructions,
    ...(masked ? [MASKED] : []),
    ...(own === '' ? [] : [`${OWN_GUIDELINES}\n\n${own}`]),
    ...(writes ? [wishText(wish)] : []),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const OWN_GUIDELINES =
  "The team's guidelines. They add to the rules above and come before them where it is about tone, wording and facts:";

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
