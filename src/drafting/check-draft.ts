import { z } from 'zod';
import { type Completion, LanguageModelError, type Prompt } from '../core/language-model.ts';
import { hostsIn } from './links.ts';
import { type Placeholders, restoreValues } from './mask.ts';
import { type PlainText, plainText } from './plain-text.ts';

/** What the model must answer, in OpenAI's strict subset of JSON Schema: every key required, none besides. */
export const DRAFT_SCHEMA: Prompt['schema'] = {
  name: 'draft',
  schema: {
    type: 'object',
    properties: {
      reply: { type: ['string', 'null'] },
      language: { type: 'string' },
      confidence: { type: 'number' },
      questions: { type: 'array', items: { type: 'string' } },
      no_draft_reason: { type: ['string', 'null'] },
    },
    required: ['reply', 'language', 'confidence', 'questions', 'no_draft_reason'],
    additionalProperties: false,
  },
};

/** The tag for "undetermined" (RFC 5646 §4.1): better than losing a paid reply over the name of its language. */
const UNDETERMINED = 'und';
const QUESTIONS_MAX = 10;
const QUESTION_MAX_CHARACTERS = 1_000;
const FINDING_MAX_CHARACTERS = 2_000;
/** Disarmed links that are named; of others there is the count. */
const LINKS_LISTED = 5;

const answerShape = z.object({
  reply: z.string().nullable(),
  language: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$/)
    .catch(UNDETERMINED),
  confidence: z.number().min(0).max(1),
  questions: z.array(z.string()),
  no_draft_reason: z.string().nullish(),
});

/** The model's answer as plain text. Exactly one of `body` and `finding` is null. */
export interface CheckedAnswer {
  readonly body: string | null;
  readonly finding: string | null;
  readonly language: string;
  readonly confidence: number;
  readonly questions: readonly string[];
}

/** What is known of the ticket that the answer is about. */
export interface AnswerContext {
  /** Names the hosts that the team itself links to: all other links are disarmed, and the agent is told. */
  readonly knownText: string;
  /** What comes back in the place of placeholders; null where nothing was masked. */
  readonly placeholders: Placeholders | null;
}

/**
 * Reads the model's answer. Throws `LanguageModelError('invalid_output')`, with what the answer cost, when it is
 * not of the shape.
 */
export function checkDraft(completion: Completion, { knownText, placeholders }: AnswerContext): CheckedAnswer {
  const { reply, no_draft_reason, language, confidence, questions } = parseAnswer(answerShape, completion);
  const known = new Set(hostsIn(knownText));
  const remarks = new Set<string>();
  // before links are looked at: also what comes back was written by a stranger
  const read = (written: string): PlainText => plainText(unmasked(written, placeholders, remarks), known);
  const body = read(reply ?? '');
  const finding = read((no_draft_reason ?? '').slice(0, FINDING_MAX_CHARACTERS));
  if (body.text === '' && finding.text === '') {
    throw invalid('The model gave neither a reply nor a reason why not.', completion);
  }
  const shown = body.text === '' ? finding : body;
  const asked = questions
    .slice(0, QUESTIONS_MAX)
    .map((question) => read(question.slice(0, QUESTION_MAX_CHARACTERS)))
    .filter(({ text }) => text !== '');
  return {
    body: body.text || null,
    finding: body.text === '' ? finding.text : null,
    language,
    confidence,
    questions: [...warningsOf([shown, ...asked]), ...remarks, ...asked.map(({ text }) => text)],
  };
}

/** With its values again; what the agent must know of the others goes to `remarks`. */
function unmasked(written: string, placeholders: Placeholders | null, remarks: Set<string>): string {
  if (placeholders === null) return written;
  const { text, withheld, unknown } = restoreValues(written, placeholders);
  for (const found of withheld) {
    remarks.add(
      `${found} stands for what was kept from the model (MASK_PERSONAL_DATA): take it out, and do not write the real one into a reply.`,
    );
  }
  for (const found of unknown)
    remarks.add(`${found} stands for nothing in this ticket: take it out, or write what is meant.`);
  return text;
}

/** What the agent must know of an answer that was not as a reply should be. */
function warningsOf(texts: readonly PlainText[]): string[] {
  const links = [...new Set(texts.flatMap(({ disarmed }) => disarmed))];
  const more = links.length > LINKS_LISTED ? ` and ${links.length - LINKS_LISTED} more` : '';
  const warnings: string[] = [];
  if (links.length > 0) {
    warnings.push(
      `The draft has links to addresses that your team has not used here: check them before you send it. ${links.slice(0, LINKS_LISTED).join(' ')}${more}`,
    );
  }
  if (texts.some(({ text }) => /\{\{|\{%/.test(text))) {
    warnings.push(
      'The draft has template placeholders, which your helpdesk may fill in: take them out before you send it.',
    );
  }
  if (texts.some(({ cut }) => cut)) warnings.push('The draft was cut, because it is longer than any reply.');
  return warnings;
}

/** The model's answer in its shape. Throws `LanguageModelError('invalid_output')`, with what it cost. */
export function parseAnswer<T>(shape: z.ZodType<T>, completion: Completion): T {
  const parsed = shape.safeParse(parseJson(completion));
  if (!parsed.success) throw invalid('The answer of the model lacks a field or has a wrong one.', completion);
  return parsed.data;
}

function parseJson(completion: Completion): unknown {
  // servers without strict mode wrap JSON in a Markdown fence
  const text = completion.text.trim().replace(/^```(?:json)?\n([^]*)\n```$/, '$1');
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('The answer of the model is not JSON.', completion);
  }
}

function invalid(message: string, { usage, costUsd, limits }: Completion): LanguageModelError {
  return new LanguageModelError('invalid_output', message, { usage, costUsd, limits });
}
