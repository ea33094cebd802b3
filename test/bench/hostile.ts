import { createHmac } from 'node:crypto';
import { runHostileLoad } from '../support/hostile.ts';
import type { Figure } from './index.ts';
import { startBenchService, WEBHOOK_SECRET } from './service.ts';

/** Promise 8: hostile uploads of every kind at once, one genuine webhook every quarter of a second beside them. */
export async function benchHostile(env: Readonly<Record<string, string>>): Promise<Figure[]> {
  const service = await startBenchService(env);
  let sent = 0;
  const genuine = async (): Promise<number> => {
    const stamp = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const body = JSON.stringify({ ticket_id: String(++sent), updated_at: stamp });
    const signature = createHmac('sha256', WEBHOOK_SECRET)
      .update(stamp + body)
      .digest('base64');
    const headers = {
      'content-type': 'application/json',
      'x-zendesk-webhook-signature': signature,
      'x-zendesk-webhook-signature-timestamp': stamp,
    };
    const response = await fetch(`${service.url}/webhooks/zendesk`, { method: 'POST', body, headers });
    await response.text();
    return response.status;
  };
  try {
    await service.post('/admin/pause');
    const { port } = service;
    const kinds = { floods: 64, bodies: 512, stalledBodies: 3000, halfHeaders: 3000 };
    const result = await runHostileLoad({ port, ...kinds, genuine, health: () => service.text('/healthz') });
    const p99 = result.healthMs[Math.floor(result.healthMs.length * 0.99)] ?? 0;
    return [
      { what: 'hostile uploads: peak memory', value: `${Math.round(service.peakRssMb())} MB`, aim: '< 300 MB' },
      { what: 'hostile uploads: /healthz p99', value: `${Math.round(p99)} ms`, aim: '< 250 ms' },
      {
        what: 'hostile uploads: genuine webhooks, slowest',
        value: `${JSON.stringify(result.genuine)}, ${Math.round(result.slowestGenuineMs)} ms`,
        aim: 'all 202, < 5 s',
      },
      {
        what: 'hostile uploads: stalled ones, slowest',
        value: `${JSON.stringify(result.stalled)}, ${(result.slowestStalledMs / 1000).toFixed(1)} s`,
        aim: 'all 408, ≤ 12 s',
      },
    ];
  } finally {
    await service.stop();
  }
}
