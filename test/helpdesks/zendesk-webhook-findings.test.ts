import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../src/core/errors.ts';
import { zendeskWebhookFindings } from '../../src/helpdesks/zendesk-webhook-findings.ts';

const SCREEN = 'https://acme.zendesk.com/admin/apps-integrations/webhooks/webhooks';

const webhook = {
  endpoint: 'https://drafts.acme.test/webhooks/zendesk',
  status: 'active',
  http_method: 'POST',
  request_format: 'json',
  subscriptions: ['zen:event-type:ticket.created', 'zen:event-type:ticket.comment_added'],
};
const other = { ...webhook, endpoint: 'https://elsewhere.test/hook' };

describe('what Zendesk sends to us', () => {
  it.each([
    ['all events', [other, webhook], ['ok to drafts.acme.test is active']],
    ['none', [other], ['error none points to a path /webhooks/zendesk']],
    ['inactive', [{ ...webhook, status: 'inactive' }], ['error to drafts.acme.test is inactive']],
    ['form', [{ ...webhook, request_format: 'form_encoded' }], ['error to drafts.acme.test sends POST form_encoded']],
    [
      'half',
      [{ ...webhook, subscriptions: ['zen:event-type:ticket.created'] }],
      ['warning to drafts.acme.test does not hear of ticket.comment_added'],
    ],
    [
      'by triggers',
      [{ ...webhook, subscriptions: ['conditional_ticket_events'] }],
      ['ok to drafts.acme.test is active, by triggers: see that there are two'],
    ],
  ])('%s', async (_, webhooks, expected) => {
    const findings = await zendeskWebhookFindings(async () => ({ webhooks }), SCREEN);
    expect(findings.map(({ level, text }) => `${level} ${text}`)).toEqual(expected);
    for (const { level, fix, link } of findings) {
      expect([fix === null, link]).toEqual(level === 'ok' ? [true, undefined] : [false, SCREEN]);
    }
  });

  it('says that it may not be seen', async () => {
    const refused = zendeskWebhookFindings(
      () => Promise.reject(new UpstreamError('forbidden', 'no', { upstream: 'zendesk' })),
      SCREEN,
    );
    expect(await refused).toMatchObject([{ level: 'ok', text: expect.stringMatching(/takes an admin/) }]);
  });
});
