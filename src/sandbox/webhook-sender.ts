import type { Clock } from '../core/clock.ts';

/** A webhook as it goes over the wire. */
export interface WebhookCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookTarget {
  readonly url: string;
  readonly fetch: typeof fetch;
}

export type AttemptOutcome =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter: string | null }
  | { readonly kind: 'timeout' }
  /** Refused, reset: no answer at all. */
  | { readonly kind: 'connection' };

type State = 'sending' | 'delivered' | 'dropped';

export interface WebhookDelivery {
  readonly ticketId: string;
  readonly event: string;
  /** Epoch ms of each attempt and what came of it, in order. */
  readonly attempts: readonly { readonly at: number; readonly outcome: AttemptOutcome }[];
  readonly state: State;
}

export interface SenderPolicy {
  /** How long one attempt may take. */
  readonly timeoutMs: number;
  /** Wait before the next attempt, judged by all attempts so far; null gives the event up. */
  readonly retryAfterMs: (outcomes: readonly AttemptOutcome[]) => number | null;
}

/** One webhook to send. `call` is asked again for each attempt: a signature covers the time of the attempt. */
export interface OutgoingWebhook {
  readonly ticketId: string;
  readonly event: string;
  readonly call: () => WebhookCall;
}

export interface WebhookSender {
  send(target: WebhookTarget, webhook: OutgoingWebhook): void;
  readonly deliveries: readonly WebhookDelivery[];
  /** Resolves when nothing is under way or waiting for a retry. */
  idle(): Promise<void>;
  /** Gives up what waits for a retry and sends nothing more. */
  stop(): void;
}

/** Sends webhooks with the vendor's timeout and retries, each on its own: no order between events. */
export function createWebhookSender(clock: Clock, policy: SenderPolicy): WebhookSender {
  const deliveries: WebhookDelivery[] = [];
  const running = new Set<Promise<void>>();
  const stopped = new AbortController();

  const deliver = async (target: WebhookTarget, webhook: OutgoingWebhook): Promise<void> => {
    const attempts: WebhookDelivery['attempts'][number][] = [];
    const delivery = { ticketId: webhook.ticketId, event: webhook.event, attempts, state: 'sending' as State };
    deliveries.push(delivery);
    while (!stopped.signal.aborted) {
      const at = clock.now();
      const outcome = await attempt(clock, policy.timeoutMs, target, webhook.call());
      attempts.push({ at, outcome });
      if (outcome.kind === 'answer' && outcome.status >= 200 && outcome.status < 300) {
        delivery.state = 'delivered';
        return;
      }
      const waitMs = policy.retryAfterMs(attempts.map((one) => one.outcome));
      if (waitMs === null) break;
      await clock.sleep(waitMs, stopped.signal);
    }
    delivery.state = 'dropped';
  };

  return {
    deliveries,
    send(target, webhook) {
      const work = deliver(target, webhook);
      running.add(work);
      void work.finally(() => running.delete(work));
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
    stop: () => stopped.abort(),
  };
}

async function attempt(
  clock: Clock,
  timeoutMs: number,
  target: WebhookTarget,
  call: WebhookCall,
): Promise<AttemptOutcome> {
  const timeout = new AbortController();
  const cancel = clock.after(timeoutMs, () => timeout.abort());
  try {
    const response = await target.fetch(target.url, {
      method: 'POST',
      headers: { ...call.headers },
      body: call.body,
      redirect: 'manual',
      signal: timeout.signal,
    });
    await response.arrayBuffer();
    return { kind: 'answer', status: response.status, retryAfter: response.headers.get('retry-after') };
  } catch {
    return timeout.signal.aborted ? { kind: 'timeout' } : { kind: 'connection' };
  } finally {
    cancel();
  }
}
