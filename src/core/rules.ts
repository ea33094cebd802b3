import type { Conversation, TicketTraits } from './helpdesk.ts';
import type { SkipReason } from './errors.ts';
import type { Priority } from './ticket.ts';
import { shareOf } from './share.ts';

export const RULE_ACTIONS = ['off', 'finding', 'draft', 'hold'] as const;

/**
 * What becomes of a ticket: `off` nothing, the model is not asked · `finding` a note with what it is about, without a
 * reply · `draft` a note with a reply · `hold` a reply that is kept as `drafted` until somebody releases it.
 */
export type RuleAction = (typeof RULE_ACTIONS)[number];

/** All that are given must hold; each holds when one of its values does. Lower case, but for ids. */
export interface RuleConditions {
  readonly helpdesk?: readonly string[];
  /** Ids: of a Zendesk brand or a Freshdesk product. */
  readonly brand?: readonly string[];
  readonly group?: readonly string[];
  readonly channel?: readonly string[];
  readonly tag?: readonly string[];
  /** BCP 47: `de` is also `de-AT`. */
  readonly language?: readonly string[];
  readonly priority?: readonly Priority[];
  /** Known when the model has answered. */
  readonly category?: readonly string[];
}

export interface Rule {
  /** Also the salt of its shares: with another name others are chosen. */
  readonly name: string;
  readonly when: RuleConditions;
  readonly action: RuleAction;
  /** Markdown, added to what all tickets get; empty when there is nothing to add. */
  readonly guidelines: string;
  /** 0 to 100, of requesters: the others go on to the next rule. */
  readonly percent: number;
  /** 0 to 100, of the requesters that the rule takes: they are counted and get nothing. */
  readonly control: number;
}

/** A matter that the model may name. */
export interface Category {
  readonly name: string;
  /** One sentence for the model. */
  readonly description: string;
}

export interface RuleSet {
  /** A short hash of what the file and those that it names come to; null: there is no file. */
  readonly version: string | null;
  readonly categories: readonly Category[];
  /** The first that matches takes the ticket; without one it gets a draft. */
  readonly rules: readonly Rule[];
}

export const NO_RULES: RuleSet = { version: null, categories: [], rules: [] };

/** What rules look at before the model is asked. */
export interface RuleFacts extends TicketTraits {
  readonly helpdesk: string;
  /** The requester's own setting; null where the helpdesk does not tell. */
  readonly language: string | null;
  /** The same for all tickets of a person: who is in a share once stays in it. */
  readonly requester: string;
}

/** Which rule has a ticket and what that means. Plain data: it is kept beside drafts that take hours. */
export interface Decision {
  /** Null: no rule took it. */
  readonly rule: string | null;
  readonly action: RuleAction;
  /** Why nothing is posted, whatever the action says; null when it is as the action says. */
  readonly skip: SkipReason | null;
}

/** What is decided before the model is asked, and what is left to the category that it names. */
export interface RulePlan {
  readonly version: string | null;
  readonly otherwise: Decision;
  readonly byCategory: Readonly<Record<string, Decision>>;
}

/** What the model answers where no category fits: no file has one of that name. */
export const NO_CATEGORY = 'none';

/** What a prompt needs to know of the rules. */
export interface DraftWish {
  /** Of the rule that takes the ticket, unless a category gives it to another. */
  readonly guidelines: string;
  /** No reply is wanted, only what the agent should know. */
  readonly findingOnly: boolean;
  /** What the model is to choose from; empty: it is not asked. */
  readonly categories: readonly (Category & Pick<DraftWish, 'guidelines' | 'findingOnly'>)[];
}

const NO_WISH: DraftWish = { guidelines: '', findingOnly: false, categories: [] };

/** Of a ticket that no rules are about. */
export const UNRULED: Asked = {
  plan: { version: null, otherwise: { rule: null, action: 'draft', skip: null }, byCategory: {} },
  wish: NO_WISH,
};

/** What is decided about a ticket whose draft is bought. */
export interface Asked {
  readonly plan: RulePlan;
  readonly wish: DraftWish;
}

/** The same for a draft whose category is known: what holds for that alone. */
export function askedOf({ plan, wish }: Asked, category: string | null): Asked {
  const named = wish.categories.find(({ name }) => name === category) ?? wish;
  return { plan, wish: { guidelines: named.guidelines, findingOnly: named.findingOnly, categories: [] } };
}

/** `wish`: what the model is asked for; null: nobody would see its answer. */
export interface Planned {
  readonly plan: RulePlan;
  readonly wish: DraftWish | null;
}

interface Taken {
  readonly decision: Decision;
  readonly guidelines: string;
}

/** Goes through the rules once for every category that a rule asks for, and once for all others. */
export function planTicket(ruleSet: RuleSet, facts: RuleFacts): Planned {
  const { version, categories } = ruleSet;
  const otherwise = take(ruleSet, facts, null);
  const taken = categories.map((category) => ({ category, ...take(ruleSet, facts, category.name) }));
  const plan = {
    version,
    otherwise: otherwise.decision,
    byCategory: Object.fromEntries(taken.map(({ category, decision }) => [category.name, decision])),
  };
  if ([otherwise, ...taken].every(({ decision }) => decision.skip !== null)) return { plan, wish: null };
  return {
    plan,
    wish: {
      guidelines: otherwise.guidelines,
      findingOnly: otherwise.decision.action === 'finding',
      categories: taken.map(({ category, decision, guidelines }) => ({
        ...category,
        guidelines,
        findingOnly: decision.action === 'finding',
      })),
    },
  };
}

/** One rule that would have a ticket, and what it leaves to those after it. */
export interface Candidate {
  readonly rule: Rule;
  /** False: the share or the category decides, and others may get the ticket too. */
  readonly always: boolean;
}

/** The rules that can have a ticket of an unknown person, in order, up to the one that takes all. For people to read. */
export function candidates({ rules }: RuleSet, facts: RuleFacts, category: string | null): readonly Candidate[] {
  const found: Candidate[] = [];
  for (const rule of rules) {
    if (!matches(rule.when, facts, category)) continue;
    const always = rule.percent === 100;
    found.push({ rule, always });
    if (always) break;
  }
  return found;
}

/** What a plan comes to, once the model has answered. */
export function decide({ otherwise, byCategory }: RulePlan, category: string | null): Decision {
  if (category === null || !Object.hasOwn(byCategory, category)) return otherwise;
  return byCategory[category] ?? otherwise;
}

/** The first rule that matches. Without one: a draft, unless a share of a rule has left the ticket out. */
function take({ rules }: RuleSet, facts: RuleFacts, category: string | null): Taken {
  let leftOut: string | null = null;
  for (const rule of rules) {
    if (!matches(rule.when, facts, category)) continue;
    if (shareOf(`${rule.name}\n${facts.requester}`) < rule.percent) return takenBy(rule, facts);
    // to leave somebody out of what is off means a draft
    if (rule.action !== 'off') leftOut ??= rule.name;
  }
  const skip = leftOut === null ? null : 'not_in_share';
  return { decision: { rule: leftOut, action: 'draft', skip }, guidelines: '' };
}

function takenBy({ name, action, control, guidelines }: Rule, { requester }: RuleFacts): Taken {
  const controlled = action !== 'off' && shareOf(`control\n${name}\n${requester}`) < control;
  const skip = action === 'off' ? 'rule' : controlled ? 'control_group' : null;
  return { decision: { rule: name, action, skip }, guidelines };
}

function matches(when: RuleConditions, facts: RuleFacts, category: string | null): boolean {
  return (
    isOneOf(when.helpdesk, facts.helpdesk) &&
    isOneOf(when.brand, facts.brand) &&
    isOneOf(when.group, facts.group) &&
    isOneOf(when.channel, facts.channel?.toLowerCase() ?? null) &&
    (when.tag === undefined || facts.tags.some((tag) => isOneOf(when.tag, tag.toLowerCase()))) &&
    (when.language === undefined || when.language.some((wanted) => speaks(facts.language, wanted))) &&
    isOneOf(when.priority, facts.priority) &&
    isOneOf(when.category, category)
  );
}

function isOneOf<T extends string>(wanted: readonly T[] | undefined, found: T | null): boolean {
  return wanted === undefined || (found !== null && wanted.includes(found));
}

function speaks(found: string | null, wanted: string): boolean {
  const told = found?.toLowerCase().replaceAll('_', '-') ?? '';
  return told === wanted || told.startsWith(`${wanted}-`);
}

/** What rules see of a ticket. A ticket of nobody is its own person. */
export function factsOf(helpdesk: string, conversation: Conversation): RuleFacts {
  const { ticketId, requesterId, locale, traits } = conversation;
  const requester = requesterId === null ? `${helpdesk} ticket ${ticketId}` : `${helpdesk} ${requesterId}`;
  return { ...traits, helpdesk, language: locale, requester };
}
