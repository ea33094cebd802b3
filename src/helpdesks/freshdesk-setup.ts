import * as z from 'zod';
import { type HelpdeskSetup, type SetupPart, TEST_TICKET } from '../core/helpdesk-setup.ts';
import { id, lenient, shaped } from './answer.ts';
import { type FreshdeskRule, freshdeskRule, ruleProblems, RULES, type RuleSpec } from './freshdesk-rules.ts';
import type { FreshdeskSettings } from './freshdesk-settings.ts';
import type { HelpdeskDeps } from './helpdesk-module.ts';
import { type HttpCall, sendCall } from './http-call.ts';

// Automation rules by API: helpdesks.md F1.2. Only an admin's key may see them, and not in every plan.

const NAME = 'freshdesk';

/** `{"rules":[…]}` by the documentation, a bare array for two clients (helpdesks.md F1.2). */
const rulesAnswer = z.union([z.array(freshdeskRule), z.object({ rules: z.array(freshdeskRule) })]);
const meAnswer = z.object({ id, contact: z.object({ name: lenient.text }).nullish().catch(null) });

interface Found {
  readonly spec: RuleSpec;
  readonly rule: FreshdeskRule | undefined;
}

/** `adminKey`: an admin's API key for the set-up alone; the service's own may be an agent's. */
export function createFreshdeskSetup(
  settings: FreshdeskSettings,
  deps: HelpdeskDeps,
  adminKey: string = settings.apiKey,
): HelpdeskSetup {
  const http = { upstream: NAME, fetch: deps.fetch, clock: deps.clock, timeoutMs: deps.timeoutMs };
  const [token = ''] = settings.webhookTokens;

  async function call(method: HttpCall['method'], path: string, signal: AbortSignal, body?: unknown): Promise<unknown> {
    const headers = { authorization: `Basic ${Buffer.from(`${adminKey}:X`).toString('base64')}` };
    const url = `${settings.baseUrl}/api/v2${path}`;
    return (await sendCall({ method, url, headers, ...(body === undefined ? {} : { body }) }, http, signal)).json;
  }

  async function look(webhookUrl: string, signal: AbortSignal): Promise<Found[]> {
    const found: Found[] = [];
    for (const spec of RULES) {
      const answer = shaped(rulesAnswer, await call('GET', `/automations/${spec.type}/rules`, signal), NAME);
      const rules = Array.isArray(answer) ? answer : answer.rules;
      const ofName = rules.filter(({ name }) => name === spec.name);
      found.push({
        spec,
        rule: ofName.find((rule) => rule.actions?.some(({ url }) => url === webhookUrl)) ?? ofName[0],
      });
    }
    return found;
  }

  return {
    account: async (signal) => {
      const { contact } = shaped(meAnswer, await call('GET', '/agents/me', signal), NAME);
      return { name: contact?.name ?? 'no name', admin: null };
    },
    inspect: async (webhookUrl, signal) =>
      (await look(webhookUrl, signal)).map(({ spec, rule }) => partOf(spec, rule, { webhookUrl, token })),
    apply: async (webhookUrl, onDone, signal) => {
      for (const { spec, rule } of await look(webhookUrl, signal)) {
        const { state, key } = partOf(spec, rule, { webhookUrl, token });
        if (state === 'good') continue;
        const path = `/automations/${spec.type}/rules`;
        const body = spec.body({ webhookUrl, token });
        if (rule === undefined) await call('POST', path, signal, body);
        else await call('PUT', `${path}/${encodeURIComponent(rule.id)}`, signal, body);
        onDone(key);
      }
    },
    webhookSecret: async () => null,
    sampleWebhook: (secret) => ({
      headers: { 'content-type': 'application/json', 'x-draftdesk-token': secret },
      body: JSON.stringify({ ticket_id: '1', event: '{note_type:private}' }),
    }),
    createTestTicket: async (signal) => {
      const { subject, text, name, email, tag } = TEST_TICKET;
      // status open, priority low, source portal: all three are mandatory
      const ticket = { subject, description: text, name, email, tags: [tag], status: 2, priority: 1, source: 2 };
      return shaped(z.object({ id }), await call('POST', '/tickets', signal, ticket), NAME).id;
    },
    // into the trash, from where it goes after a month
    removeTestTicket: async (ticketId, signal) => {
      await call('DELETE', `/tickets/${encodeURIComponent(ticketId)}`, signal);
      return 'deleted';
    },
    manual,
  };
}

function partOf(
  spec: RuleSpec,
  rule: FreshdeskRule | undefined,
  wanted: { readonly webhookUrl: string; readonly token: string },
): SetupPart {
  const part = { key: spec.key, title: `rule “${spec.name}”` };
  if (rule === undefined) return { ...part, state: 'missing', problems: [] };
  const problems = ruleProblems(spec, rule, wanted);
  return { ...part, state: problems.length === 0 ? 'good' : 'differs', problems };
}

function manual(webhookUrl: string): readonly string[] {
  return RULES.flatMap(({ name, onScreen, content }) => [
    'Admin → Workflows → Automations:',
    ...onScreen.map((line) => `  ${line}`),
    `  Rule name       ${name}`,
    '  Action          Trigger webhook',
    '  Request type    POST',
    `  URL             ${webhookUrl}`,
    '  Custom headers  X-Draftdesk-Token: the value of FRESHDESK_WEBHOOK_TOKEN in .env',
    '  Encoding        JSON',
    '  Content         Advanced:',
    `  ${JSON.stringify(content)}`,
  ]);
}
