import type { SkipReason } from './errors.ts';
import type { Rule, RuleAction, RuleConditions } from './rules.ts';

/** What a rule does, for people. */
export const ACTION_WORDS: Readonly<Record<RuleAction, string>> = {
  off: 'nothing, the model is not asked',
  finding: 'a finding without a reply',
  draft: 'a draft',
  hold: 'a draft that is held until somebody posts it',
};

/** Why rules keep tickets back. */
export const RULE_REASONS: Readonly<Partial<Record<SkipReason, string>>> = {
  rule: 'a rule is off for it',
  not_in_share: 'its requester is not in the percentage of the rule, and no later rule takes it',
  control_group: 'its requester is in the control group of the rule: counted, and given nothing',
};

/** `tag vip or gold, language de`. */
export function conditionWords(when: RuleConditions): string {
  const parts = Object.entries(when).map(
    ([key, values]: [string, readonly string[]]) => `${key} ${values.join(' or ')}`,
  );
  return parts.length === 0 ? 'every ticket' : parts.join(', ');
}

/** `a draft for 20 % of requesters, 10 % of them control group, with guidelines of its own`. */
export function effectWords({ action, percent, control, guidelines }: Rule): string {
  return [
    `${ACTION_WORDS[action]}${percent === 100 ? '' : ` for ${percent} % of requesters`}`,
    ...(control === 0 ? [] : [`${control} % of them control group`]),
    ...(guidelines === '' ? [] : ['with guidelines of its own']),
  ].join(', ');
}
