import { effectWords, RULE_REASONS } from '../core/rule-words.ts';
import { candidates, decide, type Decision, planTicket, type RuleFacts, type RuleSet } from '../core/rules.ts';
import { PRIORITIES } from '../core/ticket.ts';
import { CommandError, EXIT } from './command-error.ts';

const KEYS = ['helpdesk', 'brand', 'group', 'channel', 'tag', 'language', 'priority', 'category', 'requester'] as const;

/** What rules come to for a ticket that somebody has made up. */
export interface Tried {
  /** Null where the requester decides and was not given. */
  readonly decision: Decision | null;
  /** Names of the rules that can have it, in order. */
  readonly candidates: readonly string[];
  readonly words: readonly string[];
}

/** `helpdesk=zendesk,tag=vip`: throws `CommandError` for a key or value that no ticket has. */
export function tryRules(ruleSet: RuleSet, ticket: string): Tried {
  const given = fieldsOf(ticket);
  const one = (key: (typeof KEYS)[number]): string | null => given.get(key)?.at(-1) ?? null;
  const requester = one('requester');
  const category = one('category');
  const facts: RuleFacts = {
    helpdesk: one('helpdesk') ?? '',
    brand: one('brand'),
    group: one('group'),
    channel: one('channel'),
    tags: given.get('tag') ?? [],
    language: one('language'),
    priority: priorityOf(one('priority')),
    // as in `factsOf`
    requester: `${one('helpdesk') ?? ''} ${requester ?? ''}`,
  };
  const found = candidates(ruleSet, facts, category);
  const names = found.map(({ rule }) => rule.name);
  const shared = found.some(({ rule, always }) => !always || rule.control > 0);
  if (requester !== null || !shared) {
    const decision = decide(planTicket(ruleSet, facts).plan, category);
    return { decision, candidates: names, words: [wordsOf(decision, ruleSet)] };
  }
  const lines = found.map(
    ({ rule }, index) => `${index === 0 ? '' : 'of the others: '}${rule.name}: ${effectWords(rule)}`,
  );
  const rest = found.at(-1)?.always === true ? [] : [`of the others: nothing (${RULE_REASONS.not_in_share})`];
  const words = [...lines, ...rest, 'Add requester=ID to see which of these a person gets.'];
  return { decision: null, candidates: names, words };
}

function wordsOf({ rule, action, skip }: Decision, { rules }: RuleSet): string {
  if (rule === null) return 'No rule takes it: a draft.';
  const taken = rules.find(({ name }) => name === rule);
  if (skip !== null) return `${rule}: nothing, because ${RULE_REASONS[skip] ?? skip}`;
  return `${rule}: ${taken === undefined ? action : effectWords({ ...taken, percent: 100, control: 0 })}`;
}

function fieldsOf(ticket: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (const part of ticket.split(',')) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(0, at)).trim();
    if (!(KEYS as readonly string[]).includes(key)) {
      throw new CommandError(`--try takes KEY=VALUE, comma separated; keys are ${KEYS.join(', ')}.`, EXIT.usage);
    }
    fields.set(key, [...(fields.get(key) ?? []), part.slice(at + 1).trim()]);
  }
  return fields;
}

function priorityOf(given: string | null): RuleFacts['priority'] {
  if (given === null) return null;
  const priority = PRIORITIES.find((one) => one === given.toLowerCase());
  if (priority === undefined) throw new CommandError(`A priority is one of ${PRIORITIES.join(', ')}.`, EXIT.usage);
  return priority;
}
