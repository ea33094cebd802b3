import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endWithUs } from './end-with-us.ts';
import type { Seen } from './upstreams.ts';

const upstreams = fileURLToPath(new URL('upstreams.ts', import.meta.url));
const NO_LIMIT = '1000000';

/** The simulated vendors, in a process of their own. */
export interface BenchVendors {
  /** Settings that point a service at them, with all limits lifted. */
  readonly env: Readonly<Record<string, string>>;
  /** Creates tickets and answers their ids; with `connect` their webhooks are sent there, and have been answered. */
  create(tickets: number, connect?: string): Promise<readonly string[]>;
  seen(): Promise<Seen>;
  stop(): void;
}

export async function startBenchVendors({ latencyMs = 0 } = {}): Promise<BenchVendors> {
  const child = fork(upstreams, [String(latencyMs)]);
  endWithUs(child);
  const ask = async <T>(command?: object): Promise<T> => {
    if (command !== undefined) child.send(command);
    const [answer] = (await once(child, 'message')) as [T];
    return answer;
  };
  const { ready } = await ask<{ ready: Record<string, string> }>();
  return {
    env: {
      ...ready,
      LLM_REQUESTS_PER_MINUTE: NO_LIMIT,
      LLM_TOKENS_PER_MINUTE: '1000000000',
      ZENDESK_REQUESTS_PER_MINUTE: NO_LIMIT,
      ZENDESK_UPDATES_PER_MINUTE: NO_LIMIT,
    },
    create: async (tickets, connect) =>
      (await ask<{ created: string[] }>({ tickets, ...(connect === undefined ? {} : { connect }) })).created,
    seen: async () => (await ask<{ seen: Seen }>({ report: true })).seen,
    stop: () => void child.kill(),
  };
}
