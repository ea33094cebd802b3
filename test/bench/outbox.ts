import { systemClock, uuidv7 } from '../../src/core/clock.ts';
import type { Outbox, Stage } from '../../src/core/outbox.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { migrationsFolder } from '../support/paths.ts';
import type { Figure } from './index.ts';

const JOBS = 30_000;
const GROUP = 64;

/** Claims and completions of both stages, in groups as the pool makes them, every commit with its fsync. */
export async function benchOutbox(path: string): Promise<Figure[]> {
  const clock = systemClock();
  const connection = openDatabase({ path, migrationsFolder });
  const outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'bench', maxPending: JOBS * 2 });
  const ingestMs = await timed(async () => {
    for (let from = 0; from < JOBS; from += GROUP) {
      await Promise.all(
        Array.from({ length: GROUP }, (_, index) =>
          outbox.ingest({ helpdesk: 'zendesk', event: makeEvent(String(from + index + 1)), traceparent: TRACEPARENT }),
        ),
      );
    }
  });
  const draftMs = await timed(() => drain(outbox, 'draft'));
  const postMs = await timed(() => drain(outbox, 'post'));
  connection.close();
  return [
    { what: 'outbox: events stored/s, groups of 64', value: perSecond(ingestMs), aim: '' },
    { what: 'outbox: claim + store draft/s', value: perSecond(draftMs), aim: '≥ 15,000/s' },
    { what: 'outbox: claim + intend + complete/s', value: perSecond(postMs), aim: '≥ 15,000/s' },
  ];
}

async function drain(outbox: Outbox, stage: Stage): Promise<void> {
  const timing = { startedAt: 0, durationMs: 1, spent: null };
  for (;;) {
    const jobs = await outbox.claim([{ stage, helpdesk: 'zendesk', limit: GROUP, batches: true }], GROUP);
    if (jobs.length === 0) return;
    if (stage === 'post') await Promise.all(jobs.map((job) => outbox.intendPost(job, 0)));
    await Promise.all(
      jobs.map((job) =>
        outbox.report(job, stage === 'draft' ? makeDrafted() : { kind: 'posted', noteId: '1' }, timing),
      ),
    );
  }
}

async function timed(action: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await action();
  return performance.now() - from;
}

function perSecond(ms: number): string {
  return `${Math.round((JOBS / ms) * 1000).toLocaleString('en')}/s`;
}
