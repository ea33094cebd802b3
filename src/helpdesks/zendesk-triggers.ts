import * as z from 'zod';
import { id, lenient } from './answer.ts';

/** Ids only: Zendesk does not escape placeholders, so that a customer's text would break the JSON (helpdesks.md 3). */
const BODY = '{"ticket_id":"{{ticket.id}}","updated_at":"{{ticket.updated_at_with_timestamp}}"}';
const ACTION = 'notification_webhook';

interface Condition {
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

/** A trigger as we want it. */
export interface TriggerSpec {
  readonly key: string;
  readonly title: string;
  readonly conditions: { readonly all: readonly Condition[]; readonly any: readonly Condition[] };
  /** The same conditions, as the vendor's screen names them. */
  readonly onScreen: readonly string[];
  readonly body: string;
  actions(webhookId: string): readonly { readonly field: string; readonly value: readonly string[] }[];
}

const is = (field: string, value: string): Condition => ({ field, operator: 'is', value });
const common = {
  body: BODY,
  actions: (webhookId: string) => [{ field: ACTION, value: [webhookId, BODY] }],
};

/**
 * New tickets, and what customers write later. An agent's act (our own note is one) fires neither. Field names and values
 * were seen in other programs' configurations and answers, all but `comment_is_public: true` (from memory).
 */
export const TRIGGERS: readonly TriggerSpec[] = [
  {
    ...common,
    key: 'trigger_new_ticket',
    title: 'Draftdesk: new ticket',
    conditions: { all: [is('update_type', 'Create')], any: [] },
    onScreen: ['Ticket > Ticket  Is  Created'],
  },
  {
    ...common,
    key: 'trigger_customer_reply',
    title: 'Draftdesk: customer reply',
    conditions: {
      all: [is('update_type', 'Change'), is('role', 'end_user'), is('comment_is_public', 'true')],
      any: [],
    },
    onScreen: ['Ticket > Ticket  Is  Updated', 'Ticket > Current user  Is  (end user)', 'Ticket > Comment  Is  Public'],
  },
];

const condition = z.object({
  field: z.string(),
  operator: lenient.text,
  // true and "true", numbers and nulls all occur
  value: z.unknown(),
});
const conditions = z.array(condition).nullish().catch(null);

export const zendeskTrigger = z.object({
  id,
  title: lenient.text,
  active: lenient.flag,
  conditions: z.object({ all: conditions, any: conditions }).nullish().catch(null),
  actions: z
    .array(z.object({ field: z.string(), value: z.unknown() }))
    .nullish()
    .catch(null),
});
export type ZendeskTrigger = z.output<typeof zendeskTrigger>;

/** What keeps this trigger from doing its work, as ends of a sentence. */
export function triggerProblems(spec: TriggerSpec, trigger: ZendeskTrigger, webhookId: string | undefined): string[] {
  const action = trigger.actions?.find(({ field }) => field === ACTION)?.value;
  const [target, body] = Array.isArray(action) ? (action as unknown[]) : [];
  return [
    ...(trigger.active === true ? [] : ['is not active']),
    ...(same(spec.conditions.all, trigger.conditions?.all) && same([], trigger.conditions?.any)
      ? []
      : ['has other conditions']),
    ...(target === webhookId && webhookId !== undefined ? [] : ['does not notify our webhook']),
    ...(typeof body === 'string' && body.replaceAll(/\s/g, '') === BODY ? [] : ['sends another JSON body']),
  ];
}

function same(wanted: readonly Condition[], found: z.output<typeof conditions>): boolean {
  const text = (one: { field: string; operator?: unknown; value?: unknown }): string =>
    JSON.stringify([one.field, String(one.operator), String(one.value)]);
  const there = new Set((found ?? []).map(text));
  return there.size === wanted.length && wanted.every((one) => there.has(text(one)));
}
