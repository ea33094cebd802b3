import type { z } from 'zod';
import type { Grounding } from '../core/grounding.ts';
import { type Completion, LanguageModelError } from '../core/language-model.ts';
import type { Draft } from '../core/ticket.ts';
import { type Answer, answerShape } from './draft-schema.ts';
import { ASKING_CONFIDENCE, closestOf, type Proof, prove, standing } from './ground-answer.ts';
import { REMOVED } from './impersonal.ts';
import { hostsIn, pageOf } from './links.ts';
import { type Placeholders, restoreValues } from './mask.ts';
import { type PageRules, type PlainText, plainText } from './plain-text.ts';

const QUESTIONS_MAX = 10;
const MISSING_MAX = 5;
const QUESTION_MAX_CHARACTERS = 1_000;
const FINDING_MAX_CHARACTERS = 2_000;
/** Disarmed links that are named; of others there is the count. */
const LINKS_LISTED = 5;

/** The model's answer as plain text. Exactly one of `body` and `finding` is null. */
export type CheckedAnswer = Pick<
  Draft,
  'body' | 'finding' | 'language' | 'confidence' | 'questions' | 'sources' | 'unproven' | 'missing' | 'closest'
> & {
  /** As the model has named it, whatever it is; null where it was not asked. */
  readonly category: string | null;
};

/** What is known of the ticket that the answer is about. */
export interface AnswerContext {
  /** Names the hosts that the team itself links to: all other links are disarmed, and the agent is told. */
  readonly knownText: string;
  /** What comes back in the place of placeholders; null where nothing was masked. */
  readonly placeholders: Placeholders | null;
  /** What the model was shown of the team's knowledge; null where there is none, and nothing is to be proved. */
  readonly grounding: Grounding | null;
  /** Does a rule want a finding only, if the answer names this category? Default: no. */
  readonly wantsNoReply?: (category: string | null) => boolean;
}

/** Turns what the model wrote into plain text; what the agent must know of it goes to `remarks`. */
interface Reading {
  readonly read: (written: string) => PlainText;
  readonly remarks: Set<string>;
}

/**
 * Reads the model's answer. Throws `LanguageModelError('invalid_output')`, with what the answer cost, when it is
 * not of the shape.
 */
export function checkDraft(completion: Completion, context: AnswerContext): CheckedAnswer {
  const answer = parseAnswer(answerShape, completion);
  const reading = readAs(context);
  const { grounding } = context;
  const category = answer.category ?? null;
  const unwanted = context.wantsNoReply?.(category) === true;
  const body = reading.read(unwanted ? '' : withoutRefs(answer.reply ?? '', grounding));
  const told = answer.no_draft_reason ?? '';
  const reason = reading.read((told === '' && unwanted ? NO_SUMMARY : told).slice(0, FINDING_MAX_CHARACTERS));
  if (body.text === '' && reason.text === '') {
    throw invalid('The model gave neither a reply nor a reason why not.', completion);
  }
  const proof =
    grounding === null ? NOTHING_PROVED : prove(answer.claims, grounding, (text) => reading.read(text).text);
  const kind =
    body.text === ''
      ? 'none'
      : grounding === null
        ? 'draft'
        : standing({ ...answer, reply: body.text }, grounding, proof);
  if (kind === 'none' || kind === 'silent') {
    return { category, ...findingOf(reason, kind === 'silent', grounding), ...more(answer, [reason], reading) };
  }
  return {
    category,
    body: body.text,
    finding: null,
    closest: [],
    sources: proof.sources,
    unproven: grounding === null ? [] : kind === 'asks' ? [ONLY_ASKS] : unprovenOf(proof),
    ...more(answer, [body], reading),
    ...(kind === 'asks' ? { confidence: Math.min(answer.confidence, ASKING_CONFIDENCE) } : {}),
  };
}

/** Of a model that has written the reply that nobody wanted, and nothing else. */
const NO_SUMMARY = 'No reply is wanted for this ticket, and the model has not said what it is about.';

const NOTHING_PROVED: Proof = { sources: [], unproven: [] };

const ONLY_ASKS = 'Anything that the draft states: it quotes nothing, and should only ask the customer.';

function unprovenOf({ sources, unproven }: Proof): readonly string[] {
  return sources.length === 0 && unproven.length === 0
    ? ['The whole draft: it quotes nothing that your team has written.']
    : unproven;
}

function findingOf(
  reason: PlainText,
  silent: boolean,
  grounding: Grounding | null,
): Pick<CheckedAnswer, 'body' | 'finding' | 'sources' | 'unproven' | 'closest'> {
  const finding = silent ? 'Nothing that your team has written answers this ticket.' : reason.text;
  return { body: null, finding, sources: [], unproven: [], closest: grounding === null ? [] : closestOf(grounding) };
}

/** What comes with a draft and with a finding: the warnings are about what is shown. */
function more(
  { language, confidence, questions, missing }: Answer,
  shown: readonly PlainText[],
  { read, remarks }: Reading,
): Pick<CheckedAnswer, 'language' | 'confidence' | 'questions' | 'missing'> {
  const readAll = (texts: readonly string[]): PlainText[] =>
    texts.map((text) => read(text.slice(0, QUESTION_MAX_CHARACTERS))).filter(({ text }) => text !== '');
  const asked = readAll(questions.slice(0, QUESTIONS_MAX));
  const unknown = readAll(missing.slice(0, MISSING_MAX));
  return {
    language,
    confidence,
    questions: [...warningsOf([...shown, ...asked, ...unknown]), ...remarks, ...asked.map(({ text }) => text)],
    missing: unknown.map(({ text }) => text),
  };
}

/** How everything is read that a model has written about a ticket, for the customer or for the agent. */
export function readAs({ knownText, placeholders, grounding }: AnswerContext): Reading {
  const known = new Set(hostsIn(knownText));
  const pages = pagesOf(grounding);
  const remarks = new Set<string>();
  // before links are looked at: also what comes back was written by a stranger
  return { read: (written) => plainText(unmasked(written, placeholders, remarks), known, pages), remarks };
}

/** Customers get links to articles that were found and that everybody may read. */
function pagesOf(grounding: Grounding | null): PageRules {
  const linked = (grounding?.passages ?? []).filter(({ kind }) => kind === 'article');
  const urlsOf = (restricted: boolean): string[] =>
    linked.flatMap((one) => (one.url !== null && one.restricted === restricted ? [one.url] : []));
  const allowed = urlsOf(false).map(pageOf);
  return { allowed: new Set(allowed.filter((page) => page !== null)), withheld: urlsOf(true) };
}

/** Ids of passages mean nothing to a customer, nor to an agent. */
export function withoutRefs(reply: string, grounding: Grounding | null): string {
  if (grounding === null) return reply;
  return reply.replaceAll(/ ?[[(](?:[ATM]\d)(?:, ?[ATM]\d){0,9}[\])]/g, '');
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
  if (texts.some(({ withheld }) => withheld)) {
    warnings.push('The draft named an article that not every customer may see: its link was taken out.');
  }
  if (texts.some(({ text }) => text.includes(REMOVED))) {
    warnings.push(`${REMOVED} stands for what was taken out of another ticket: write what is meant, or take it out.`);
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
