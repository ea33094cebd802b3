import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom, uuidv7 } from '../../src/core/clock.ts';
import type { JobOutcome } from '../../src/core/outbox.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { makeDraft, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { migrationsFolder } from '../support/paths.ts';

/* Removed texts must be gone from the bytes of the database's files, not only from its tables. */

const TICKETS = 150;
const DAY_MS = 86_400_000;

describe('the bytes on the disk', () => {
  let folder: string;
  let connection: Connection;
  let clock: FakeClock;
  let outbox: ReturnType<typeof openOutbox>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    clock = fakeClock();
    connection = openDatabase({ path: join(folder, 'test.db'), migrationsFolder });
    outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'me', maxPending: 10_000 });
  });
  afterEach(() => {
    connection.close();
    rmSync(folder, { recursive: true });
  });

  /** In all of the database's files. */
  const found = (text: string): number =>
    readdirSync(folder).reduce(
      (sum, file) => sum + readFileSync(join(folder, file), 'latin1').split(text).length - 1,
      0,
    );

  /** Every third ticket is the canary's; texts of all lengths, so that pages are split, filled and moved. */
  const work = async (round: number): Promise<void> => {
    const random = seededRandom(round);
    const steps = Array.from({ length: TICKETS }, (_, index) => async (): Promise<void> => {
      const word = index % 3 === 0 ? `canary-${index}` : `finch-${index}`;
      const requesterId = index % 3 === 0 ? '7' : '8';
      const body = `${word} `.repeat(1 + Math.floor(random() ** 3 * 900));
      const facts = { subject: `${word} subject`, requesterId };
      const event = makeEvent(String(index), { key: `${round} ${index}`, messageId: String(100 + round) });
      await outbox.ingest({ helpdesk: 'zendesk', event, traceparent: TRACEPARENT });
      const report = async (stage: 'draft' | 'post', outcome: JobOutcome): Promise<void> => {
        const [job] = await outbox.claim([{ stage, helpdesk: 'zendesk', limit: 1, batches: true }], 1);
        if (job === undefined) throw new Error(`nothing to claim for ${stage}`);
        await outbox.report(job, outcome, { startedAt: 0, durationMs: 5, spent: null });
      };
      if (random() < 0.2) {
        await report('draft', { kind: 'dead', errorClass: 'internal', error: `${word} error`, facts });
        return;
      }
      const told = { questions: [`${word}?`], cut: `${word} cut`, unproven: [`${word} claim`], missing: [word] };
      const draft = makeDraft({ body, ...told });
      await report('draft', makeDrafted({ draft, facts, seenMessageId: String(100 + round) }));
      await report('post', { kind: 'posted', noteId: `${index}` });
    });
    for (const step of steps) await step();
  };

  it('hold nothing of a person who was erased between others', async () => {
    for (const round of [1, 2]) await work(round);
    expect(found('canary-')).toBeGreaterThan(TICKETS);
    const finches = found('finch-');
    const erased = await outbox.eraseRequester('zendesk', '7');
    expect(erased).toMatchObject({ tickets: Math.ceil(TICKETS / 3), filesCleaned: true });
    expect(found('canary-')).toBe(0);
    expect(found('finch-')).toBeGreaterThan(finches / 4);
  });

  it('hold nothing of texts that have grown old', async () => {
    for (const round of [1, 2]) await work(round);
    await clock.advance(2 * DAY_MS);
    await outbox.removeTexts(clock.now() - DAY_MS, new AbortController().signal);
    await outbox.tidy();
    expect([found('canary-'), found('finch-')]).toEqual([0, 0]);
  });

  it('are rewritten for old texts once a day, for a person at once, and never without need', async () => {
    const rewrittenAt = () => connection.prepare(`SELECT value FROM meta WHERE key = 'rewritten_at'`).pluck().get();
    const removeOld = async (): Promise<void> => {
      await work(clock.now());
      await clock.advance(3_600_000);
      await outbox.removeTexts(clock.now(), new AbortController().signal);
      await outbox.tidy();
    };
    await outbox.tidy();
    expect(rewrittenAt()).toBeUndefined();
    await removeOld();
    const first = rewrittenAt();
    expect(first).toBe(String(clock.now()));
    await removeOld();
    expect(rewrittenAt()).toBe(first);
    await clock.advance(DAY_MS);
    await outbox.tidy();
    expect(rewrittenAt()).toBe(String(clock.now()));
    await clock.advance(1000);
    await outbox.eraseRequester('zendesk', '7');
    expect(rewrittenAt()).toBe(String(clock.now()));
  });
});
