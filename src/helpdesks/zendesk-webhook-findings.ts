import * as z from 'zod';
import { UpstreamError } from '../core/errors.ts';
import { type Finding, ok, problem, warning } from '../core/finding.ts';
import { shaped } from './answer.ts';

const ABOUT = 'zendesk webhook';
/** What a webhook of ours listens to, one way or the other (helpdesks.md 1.1). */
const EVENTS = ['zen:event-type:ticket.created', 'zen:event-type:ticket.comment_added'];
const BY_TRIGGER = 'conditional_ticket_events';

/** `GET /api/v2/webhooks`: developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks. */
const webhooksAnswer = z.object({
  webhooks: z.array(
    z.object({
      endpoint: z.string(),
      status: z.string(),
      http_method: z.string(),
      request_format: z.string(),
      subscriptions: z.array(z.string()).nullish(),
    }),
  ),
});

/**
 * What the account sends to us, as far as these credentials may see it: listing webhooks wants an admin. `screen` is the
 * address of Admin Center's page of webhooks.
 */
export async function zendeskWebhookFindings(
  list: () => Promise<unknown>,
  screen: string,
): Promise<readonly Finding[]> {
  let json: unknown;
  try {
    json = await list();
  } catch (error) {
    if (!(error instanceof UpstreamError) || !['forbidden', 'invalid_request', 'auth'].includes(error.errorClass))
      throw error;
    return [ok(ABOUT, 'not to be seen with these credentials (it takes an admin): compare it with the README')];
  }
  const { webhooks } = shaped(webhooksAnswer, json, 'zendesk');
  const ours = webhooks.filter(({ endpoint }) => URL.parse(endpoint)?.pathname.endsWith('/webhooks/zendesk') === true);
  if (ours.length === 0) {
    return [
      problem(
        ABOUT,
        'none points to a path /webhooks/zendesk',
        'Create it in Admin Center as the README says (step 2).',
        screen,
      ),
    ];
  }
  return ours.map(({ endpoint, status, http_method: method, request_format: format, subscriptions }) => {
    const host = URL.parse(endpoint)?.host ?? '';
    const to = (text: string): string => `to ${host} ${text}`;
    if (status !== 'active') return problem(ABOUT, to(`is ${status}`), 'Activate it in Admin Center.', screen);
    if (method !== 'POST' || format !== 'json')
      return problem(ABOUT, to(`sends ${method} ${format}`), 'Set method POST and format JSON.', screen);
    const heard = subscriptions ?? [];
    if (heard.includes(BY_TRIGGER)) return ok(ABOUT, to('is active, by triggers: see that there are two'));
    const missing = EVENTS.filter((event) => !heard.includes(event)).map((event) => event.split(':').at(-1));
    if (missing.length === 0) return ok(ABOUT, to('is active'));
    const fix = 'Subscribe it to that event in Admin Center.';
    return warning(ABOUT, to(`does not hear of ${missing.join(', ')}`), fix, screen);
  });
}
