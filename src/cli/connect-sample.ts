import type { Clock } from '../core/clock.ts';
import type { HelpdeskSetup } from '../core/helpdesk-setup.ts';

export type SampleAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly problem: string; readonly todo: string };

const TIMEOUT_MS = 10_000;

/** Sends a genuine webhook that asks for nothing: does whoever listens there take this secret? */
export async function sendSample(
  setup: HelpdeskSetup,
  url: string,
  secret: string,
  clock: Pick<Clock, 'now'>,
): Promise<SampleAnswer> {
  const { headers, body } = setup.sampleWebhook(secret, clock.now());
  let response: Response;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(url, { method: 'POST', headers: { ...headers }, body, redirect: 'manual', signal });
    await response.body?.cancel();
  } catch {
    const todo = 'Start it (npm start), or set the right address.';
    return { ok: false, problem: `Nobody answers at ${url}.`, todo };
  }
  if (response.status === 202) return { ok: true };
  return { ok: false, ...judge(response.status, url) };
}

function judge(status: number, url: string): { readonly problem: string; readonly todo: string } {
  if (status === 401)
    return {
      problem: `The service at ${url} refuses the webhook's secret.`,
      todo: "Restart it with the secret that is in .env (and set this machine's clock right).",
    };
  if (status === 404)
    return {
      problem: `The service at ${url} does not know this helpdesk, or another program answers there.`,
      todo: 'Restart it with the settings of .env, or set the right address.',
    };
  return {
    problem: `${url} answered ${status}.`,
    todo: status >= 300 && status < 400 ? 'Webhooks follow no redirect: set the final address.' : 'See its log.',
  };
}
