import { createHmac } from 'node:crypto';
import { connect } from 'node:net';

/*
 * A load generator in a process of its own: signed Zendesk webhooks over raw sockets, one request at a time per
 * connection, each prepared before the clock starts. Prints one JSON line.
 * usage: node test/bench/load.ts PORT CONNECTIONS REQUESTS SECRET RUN
 */
const [port = 0, connections = 1, requests = 1] = process.argv.slice(2, 5).map(Number);
const [secret = '', run = ''] = process.argv.slice(5, 7);

function makeRequest(index: number): Buffer {
  const ticketId = String(1_000_000 + index);
  const timestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const body = JSON.stringify({
    account_id: 22129848,
    detail: {
      id: ticketId,
      subject: 'Cannot sign in after the update',
      description: 'Hello, since yesterday I cannot sign in any more. '.repeat(30),
      status: 'NEW',
      priority: 'NORMAL',
      is_public: true,
      requester_id: '8447388090494',
      actor_id: '8447388090494',
      created_at: timestamp,
      updated_at: timestamp,
      tags: ['web'],
      via: { channel: 'web_service' },
    },
    event: {},
    id: `${run}-${index}`,
    subject: `zen:ticket:${ticketId}`,
    time: timestamp,
    type: 'zen:event-type:ticket.created',
    zendesk_event_version: '2022-11-06',
  });
  const signature = createHmac('sha256', secret).update(timestamp).update(body).digest('base64');
  return Buffer.from(
    [
      'POST /webhooks/zendesk HTTP/1.1',
      `host: 127.0.0.1:${port}`,
      'content-type: application/json',
      `x-zendesk-webhook-signature: ${signature}`,
      `x-zendesk-webhook-signature-timestamp: ${timestamp}`,
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}

const prepared = Array.from({ length: requests }, (_, index) => makeRequest(index));
const latencies: number[] = [];
const statuses = new Map<string, number>();
let next = 0;

function drive(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    let sentAt = 0;
    let answer = '';
    const send = (): void => {
      const request = prepared[next];
      if (request === undefined) {
        socket.end();
        resolve();
        return;
      }
      next += 1;
      sentAt = performance.now();
      answer = '';
      socket.write(request);
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      const head = answer.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? 0);
      if (answer.length < head + 4 + length) return;
      latencies.push(performance.now() - sentAt);
      const status = answer.slice(9, 12);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      send();
    });
  });
}

const startedAt = performance.now();
await Promise.all(Array.from({ length: connections }, drive));
const seconds = (performance.now() - startedAt) / 1000;
latencies.sort((a, b) => a - b);
const quantile = (q: number): number =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0;
process.stdout.write(
  `${JSON.stringify({ perSecond: requests / seconds, p50: quantile(0.5), p99: quantile(0.99), statuses: Object.fromEntries(statuses) })}\n`,
);
