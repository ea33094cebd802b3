import * as z from 'zod';
import { id, lenient } from './answer.ts';

/** Ids and the event only, as Advanced content is not escaped (helpdesks.md F1.1). */
const CONTENT = { ticket_id: '{{ticket.id}}', event: '{{triggered_event}}' };
const ANY_PRIORITY = { resource_type: 'ticket', field_name: 'priority', operator: 'in', value: [1, 2, 3, 4] };
/** Performed by the requester: our own note is an agent's act and never fires it. */
const REQUESTER = 2;
const ADVANCED = '2';

interface Target {
  readonly webhookUrl: string;
  readonly token: string;
}

/** An automation rule as we want it. */
export interface RuleSpec {
  readonly key: string;
  readonly name: string;
  /** 1 = ticket creation, 4 = ticket updates. */
  readonly type: 1 | 4;
  readonly content: typeof CONTENT;
  /** How the vendor's screens name tab, performer, events and conditions. */
  readonly onScreen: readonly string[];
  body(target: Target): Readonly<Record<string, unknown>>;
}

/** A rule without any of these keys is answered with 500 (helpdesks.md F1.2). */
function bodyOf(name: string, { webhookUrl, token }: Target): Record<string, unknown> {
  return {
    name,
    active: true,
    conditions: [{ name: 'condition_set_1', match_type: 'all', properties: [ANY_PRIORITY] }],
    actions: [
      {
        field_name: 'trigger_webhook',
        request_type: 'POST',
        content_type: 'JSON',
        content_layout: ADVANCED,
        url: webhookUrl,
        content: CONTENT,
        custom_headers: { 'x-draftdesk-token': token },
      },
    ],
  };
}

const NEW_TICKET = 'Draftdesk: new ticket';
const CUSTOMER_REPLY = 'Draftdesk: customer reply';

export const RULES: readonly RuleSpec[] = [
  {
    key: 'rule_new_ticket',
    name: NEW_TICKET,
    type: 1,
    content: CONTENT,
    onScreen: ['Ticket Creation → New rule', 'Condition       Priority is any of Low, Medium, High, Urgent'],
    body: (target) => bodyOf(NEW_TICKET, target),
  },
  {
    key: 'rule_customer_reply',
    name: CUSTOMER_REPLY,
    type: 4,
    content: CONTENT,
    onScreen: [
      'Ticket Updates → New rule',
      'When            an action is performed by Requester',
      'Events          Reply is sent · or · Note is added, Type: Public',
      'Condition       Priority is any of Low, Medium, High, Urgent',
    ],
    body: (target) => ({
      ...bodyOf(CUSTOMER_REPLY, target),
      performer: { type: REQUESTER },
      events: [{ field_name: 'reply_sent' }, { field_name: 'note_type', value: 'public' }],
    }),
  },
];

export const freshdeskRule = z.object({
  id,
  name: lenient.text,
  active: lenient.flag,
  performer: z.object({ type: lenient.count }).nullish().catch(null),
  events: z
    .array(z.object({ field_name: lenient.text }))
    .nullish()
    .catch(null),
  actions: z
    .array(
      z.object({
        field_name: lenient.text,
        url: lenient.text,
        content: z.unknown(),
        custom_headers: z.record(z.string(), z.unknown()).nullish().catch(null),
      }),
    )
    .nullish()
    .catch(null),
});
export type FreshdeskRule = z.output<typeof freshdeskRule>;

/** What keeps this rule from doing its work, as ends of a sentence. Conditions are the team's to narrow. */
export function ruleProblems(spec: RuleSpec, rule: FreshdeskRule, { webhookUrl, token }: Target): string[] {
  const action = rule.actions?.find(({ field_name: name }) => name === 'trigger_webhook');
  const header = Object.entries(action?.custom_headers ?? {}).find(([name]) => /^x-draftdesk-token$/i.test(name))?.[1];
  // shown masked or not at all where the vendor hides it
  const readable = typeof header === 'string' && !header.includes('*');
  return [
    ...(rule.active === true ? [] : ['is switched off']),
    ...(spec.type === 1 || rule.performer?.type === REQUESTER ? [] : ['is not limited to what the requester does']),
    ...(spec.type === 1 || rule.events?.some(({ field_name: name }) => name === 'reply_sent') === true
      ? []
      : ['does not listen to replies']),
    ...(action?.url === webhookUrl ? [] : [`points to ${action?.url ?? 'nowhere'}, not to ${webhookUrl}`]),
    ...(sendsTicketId(action?.content) ? [] : ['sends another content']),
    ...(readable && header !== token ? ['sends another token than FRESHDESK_WEBHOOK_TOKEN'] : []),
  ];
}

/** As an object, or as the text that was typed. */
function sendsTicketId(content: unknown): boolean {
  const text = typeof content === 'string' ? content : JSON.stringify(content ?? null);
  return text.replaceAll(/\s/g, '').includes('"ticket_id":"{{ticket.id}}"');
}
