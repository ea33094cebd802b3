import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/core/service-control.ts';
import { startProgram } from '../cli/program.ts';
import { adminClient, startVendors } from '../support/harness.ts';
import { runHostileLoad } from '../support/hostile.ts';

/* Promise 8, against the program as it ships, in a process of its own: memory is the process's. */

/** As `npm start` does it. */
const NPM_START = ['--max-semi-space-size=4'];

describe('hostile uploads', () => {
  it('promise 8, A10, A12: cannot starve the service: memory is bounded, who stalls is told 408, genuine webhooks are taken', async () => {
    await using vendors = await startVendors();
    const env = { ...vendors.env, LOG_LEVEL: 'info' };
    const { child, stdout, ended } = startProgram(['serve'], { env, cwd: vendors.folder, nodeArgs: NPM_START });
    try {
      const url = await new Promise<string>((resolve) => {
        child.stdout?.on('data', () => {
          const found = /"url":"(http[^"]+)"/.exec(stdout())?.[1];
          if (found !== undefined) resolve(found);
        });
      });
      const admin = adminClient(url);
      const result = await runHostileLoad({
        port: Number(new URL(url).port),
        floods: 64,
        bodies: 512,
        stalledBodies: 3000,
        halfHeaders: 3000,
        genuine: async () => {
          const id = vendors.zendesk.addTicket({ subject: 'Where?', html: '<p>Where is my order?</p>' });
          return (await admin.webhook('zendesk', vendors.zendesk.webhookFor(id, 'ticket.created'))).status;
        },
        health: () => admin.get('/healthz'),
      });
      const { memory } = await admin.get<Progress>('/admin/progress');
      expect(result.stalled).toEqual({ 408: 6000 });
      expect(result.genuine).toEqual({ 202: expect.any(Number) });
      // 32 find room at most; the rest is told so, unless it still sends when the connection is closed on it
      const { 401: read = 0, 503: busy = 0, none = 0, ...others } = result.bodies;
      expect([others, read + busy + none]).toEqual([{}, 512]);
      expect(read).toBeLessThanOrEqual(32);
      expect(busy).toBeGreaterThan(0);
      expect(result.retryAfter).toHaveLength(busy);
      expect(result.retryAfter.filter((seconds) => !(seconds >= 1 && seconds <= 59))).toEqual([]);
      expect(['413', '503']).toEqual(
        expect.arrayContaining(Object.keys(result.floods).filter((key) => key !== 'none')),
      );
      expect(memory.peakRssMb).toBeLessThan(300);
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  }, 90_000);
});
