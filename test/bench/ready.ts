import { systemClock, uuidv7 } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { makeEvent, TRACEPARENT } from '../support/factories.ts';
import { migrationsFolder } from '../support/paths.ts';
import type { Figure } from './index.ts';
import { startBenchService, UNUSED_UPSTREAMS } from './service.ts';

const WAITING = 100_000;

/** How long a killed service takes to be ready again beside a full outbox. */
export async function benchReady(path: string): Promise<Figure[]> {
  const clock = systemClock();
  const connection = openDatabase({ path, migrationsFolder });
  const outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'bench', maxPending: WAITING });
  await Promise.all(
    Array.from({ length: WAITING }, (_, index) =>
      outbox.ingest({ helpdesk: 'zendesk', event: makeEvent(String(index)), traceparent: TRACEPARENT }),
    ),
  );
  await outbox.setPause({ scope: 'all', reason: 'bench', errorClass: null, since: clock.now() });
  connection.close();
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const service = await startBenchService({ ...UNUSED_UPSTREAMS, DATABASE_URL: `file:${path}` });
    const from = performance.now();
    await service.text('/readyz');
    times.push(service.startMs + performance.now() - from);
    await service.stop();
  }
  const median = times.toSorted((a, b) => a - b)[2] ?? 0;
  return [
    { what: `ready with ${WAITING.toLocaleString('en')} waiting`, value: `${Math.round(median)} ms`, aim: '≤ 1 s' },
  ];
}
