import { createHmac } from 'node:crypto';
import type { Vendors } from './harness.ts';

/** Sends any body as the helpdesk itself would, with a genuine signature or token. */
export async function sendSigned(
  { zendesk, freshdesk }: Pick<Vendors, 'zendesk' | 'freshdesk'>,
  name: 'zendesk' | 'freshdesk',
  { url, body }: { readonly url: string; readonly body: string | Uint8Array<ArrayBuffer> },
): Promise<{ readonly status: number; readonly text: string; readonly type: string | null }> {
  const stamp = new Date().toISOString();
  const signature = createHmac('sha256', zendesk.webhookSecret).update(stamp).update(body).digest('base64');
  const proof: Record<string, string> =
    name === 'zendesk'
      ? { 'x-zendesk-webhook-signature': signature, 'x-zendesk-webhook-signature-timestamp': stamp }
      : { 'x-draftdesk-token': freshdesk.webhookToken };
  const response = await fetch(`${url}/webhooks/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...proof },
    body,
  });
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
}
