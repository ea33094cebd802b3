import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidv7 } from '../../src/core/clock.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { openTicketReader } from '../../src/sqlite/ticket-reader.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { migrationsFolder } from '../support/paths.ts';
import { consignmentContract } from './consignments.ts';
import { forgettingContract } from './forgetting.ts';
import { outboxBatchEdges } from './outbox-batch-edges.ts';
import { outboxCrashContract } from './outbox-crashes.ts';
import { outboxBatchContract } from './outbox-batches.ts';
import { outboxContract, type OutboxSetup, type OutboxUnderTest } from './outbox.ts';
import { outboxReviewContract } from './outbox-reviews.ts';
import { ticketReadsContract } from './ticket-reads.ts';

const open = async ({ maxPending }: OutboxSetup): Promise<ReturnType<typeof attach>> => {
  const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
  const clock = fakeClock();
  return attach({ folder, clock, maxPending, owner: 'first' });
};

outboxContract('sqlite', open);
outboxBatchContract('sqlite', open);
outboxBatchEdges('sqlite', open);
outboxCrashContract('sqlite', open);
consignmentContract('sqlite', open);
forgettingContract('sqlite', open);
outboxReviewContract('sqlite', open);
ticketReadsContract('sqlite', open);

interface Store {
  readonly folder: string;
  readonly clock: FakeClock;
  readonly maxPending: number;
  readonly owner: string;
  /** How far the wall clock that ids are made from is behind, ms. */
  readonly idsSetBackMs?: number;
}

type SqliteStore = OutboxUnderTest & { readonly outbox: ReturnType<typeof openOutbox> };

function attach(store: Store): SqliteStore {
  const { folder, clock, maxPending, owner, idsSetBackMs = 0 } = store;
  const newId = uuidv7({ ...clock, now: () => clock.now() - idsSetBackMs });
  const connection: Connection = openDatabase({ path: join(folder, 'test.db'), migrationsFolder });
  return {
    outbox: openOutbox(connection, { clock, newId, owner, maxPending }),
    reader: openTicketReader(connection, clock),
    clock,
    reopen: async (next, options = { idsSetBackMs: 0 }) => {
      connection.close();
      return attach({ ...store, ...options, owner: next });
    },
    refuseWrites: (refused) => {
      connection.pragma(`query_only = ${refused ? 'ON' : 'OFF'}`);
      if (!refused) connection.disk.check();
    },
    dispose: async () => {
      connection.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
