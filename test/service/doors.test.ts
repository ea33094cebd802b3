import { describe, expect, it } from 'vitest';
import type { WebhookCall } from '../../src/sandbox/webhook-sender.ts';
import { type RunningService, startTestService, startVendors, type Vendors } from '../support/harness.ts';
import { exchange, requestBytes, statuses } from '../support/raw-http.ts';
import { finished } from '../support/finished.ts';

/* What the doors of the whole service promise under load: real adapters, real database, sockets. */

const CONNECTIONS = 32;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly duplicate: unknown;
}

async function post({ service }: RunningService, { headers, body }: WebhookCall): Promise<Answer> {
  const response = await fetch(`${service.url}/webhooks/zendesk`, { method: 'POST', headers, body });
  const { duplicate } = (await response.json()) as { duplicate?: unknown };
  return { status: response.status, retryAfter: response.headers.get('retry-after'), duplicate };
}

/** All of them, a few at a time; answers in their order. */
async function postAll(running: RunningService, calls: readonly WebhookCall[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  const queue = [...calls.entries()];
  const send = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      answers[next[0]] = await post(running, next[1]);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  return answers;
}

describe('a full outbox', () => {
  /** A paused service with room for so many, and webhooks of more tickets. */
  const overfill = async (vendors: Vendors, room: number, sent: number) => {
    const running = await startTestService({ ...vendors.env, OUTBOX_MAX_PENDING: String(room) });
    await running.admin.post('/admin/pause');
    const ids = Array.from({ length: sent }, (_, index) =>
      vendors.zendesk.addTicket({ subject: `Question ${index}`, html: `<p>Where is order ${index}, please?</p>` }),
    );
    const call = (id: string): WebhookCall => vendors.zendesk.webhookFor(id, 'ticket.created');
    const answers = await postAll(running, ids.map(call));
    return { running, ids, call, answers, accepted: ids.filter((_, index) => answers[index]?.status === 202) };
  };

  it('promise 7, A16: of 5,000 exactly the 1,000 it has room for are 202, the others 503 with Retry-After', async () => {
    await using vendors = await startVendors();
    const { running, call, answers, accepted } = await overfill(vendors, 1000, 5000);
    await using _ = running;
    expect(accepted).toHaveLength(1000);
    const refused = answers.filter(({ status }) => status !== 202);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
    const seconds = refused.map(({ retryAfter }) => Number(retryAfter));
    expect(seconds.filter((value) => !(value >= 1 && value <= 59))).toEqual([]);
    // the room is used up, and what has its place is told so
    const again = await postAll(running, accepted.map(call));
    const said = new Set(again.map(({ status, duplicate }) => `${status} ${String(duplicate)}`));
    expect(said).toEqual(new Set(['202 true']));
    expect(await running.admin.statuses()).toMatchObject({ queued: 1000 });
  }, 60_000);

  it('promise 7: what was refused comes again, and every ticket ends in one note', async () => {
    await using vendors = await startVendors();
    const { running, ids, call, accepted } = await overfill(vendors, 40, 120);
    await using _ = running;
    await running.admin.post('/admin/resume');
    let missing = ids.filter((id) => !accepted.includes(id));
    while (missing.length > 0) {
      const round = await postAll(running, missing.map(call));
      missing = missing.filter((_id, index) => round[index]?.status !== 202);
      // as a sender would wait: until there is room
      await running.admin.until((counts) => finished(counts) >= ids.length - missing.length);
    }
    expect(ids.map((id) => vendors.zendesk.notes(id).length)).toEqual(ids.map(() => 1));
  }, 60_000);

  it('A16: while it is paused webhooks are taken', async () => {
    await using vendors = await startVendors();
    await using running = await startTestService(vendors.env);
    await running.admin.post('/admin/pause');
    const calls = Array.from({ length: 50 }, (_, index) =>
      vendors.zendesk.webhookFor(
        vendors.zendesk.addTicket({ subject: `${index}`, html: '<p>Where is it?</p>' }),
        'ticket.created',
      ),
    );
    expect(new Set((await postAll(running, calls)).map(({ status }) => status))).toEqual(new Set([202]));
    expect(await running.admin.statuses()).toMatchObject({ queued: 50 });
  });
});

it('A17: the same event at the same instant on many sockets is one job, and one of the answers says so', async () => {
  await using vendors = await startVendors();
  await using running = await startTestService(vendors.env);
  await running.admin.post('/admin/pause');
  const port = Number(new URL(running.service.url).port);
  for (let round = 0; round < 20; round++) {
    const id = vendors.zendesk.addTicket({ subject: `${round}`, html: '<p>Where is it?</p>' });
    const { headers, body } = vendors.zendesk.webhookFor(id, 'ticket.created');
    const bytes = requestBytes('/webhooks/zendesk', Object.entries(headers), Buffer.from(body));
    const answers = await Promise.all(Array.from({ length: 5 }, () => exchange(port, bytes)));
    expect(answers.flatMap(statuses)).toEqual([202, 202, 202, 202, 202]);
    expect(answers.map((answer) => /"duplicate":(\w+)/.exec(answer)?.[1] ?? '').toSorted()).toEqual([
      'false',
      'true',
      'true',
      'true',
      'true',
    ]);
  }
  expect(await running.admin.statuses()).toMatchObject({ queued: 20 });
});
