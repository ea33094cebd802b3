import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/clock.ts';
import type { TicketQuery } from '../../src/core/ticket-reader.ts';
import { type Connection, openDatabase } from '../../src/sqlite/database.ts';
import { openKnowledgeBase } from '../../src/sqlite/knowledge-base.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { openTicketReader } from '../../src/sqlite/ticket-reader.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { migrationsFolder } from '../support/paths.ts';

/** How SQLite would carry out what is prepared: a million rows are not needed to see that they would be scanned. */
describe('query plans', () => {
  let connection: Connection;
  const prepared = new Set<string>();
  const clock = fakeClock();

  beforeEach(() => {
    connection = openDatabase({ path: ':memory:', migrationsFolder });
  });
  afterEach(() => connection.close());

  const watched = (): Connection =>
    new Proxy(connection, {
      get: (target, name) => {
        if (name !== 'prepare') {
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        }
        return (sql: string) => {
          prepared.add(sql);
          return target.prepare(sql);
        };
      },
    });

  /** The plans of the statements that `act` prepares and `wanted` picks; there must be some. */
  const plansOf = (act: (connection: Connection) => void, wanted: RegExp): string[] => {
    prepared.clear();
    act(watched());
    const picked = [...prepared].filter((sql) => wanted.test(sql));
    expect(picked).not.toEqual([]);
    return picked.map((sql) => {
      const statement = connection.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
      const values = Array.from({ length: (sql.match(/\?/g) ?? []).length }, () => 1);
      return statement
        .all(...values)
        .map(({ detail }) => detail)
        .join(' | ');
    });
  };

  it('finds the newest event of a helpdesk without sorting them all', () => {
    const [plan] = plansOf((watching) => openTicketReader(watching, clock).lastEventAt('zendesk'), /FROM event/);
    expect(plan).toBe('SCAN event');
  });

  const cursor = Buffer.from('00000000-0000-7000-8000-000000000000').toString('base64url');
  it.each<[Partial<TicketQuery>, string]>([
    [{}, 'job_helpdesk (helpdesk=?)'],
    [{ cursor }, 'job_helpdesk (helpdesk=? AND id<?)'],
    // one helpdesk has them all: what tells more goes first
    [{ status: 'dead' }, 'job_status (status=?)'],
    [{ status: 'dead', errorClass: 'timeout' }, 'job_failing (status=? AND error_class=?)'],
    [{ batchId: 'b' }, 'job_batch (batch_id=?)'],
    [{ batchId: 'b', status: 'dead' }, 'job_batch_ended (batch_id=? AND status=?)'],
    [{ batchId: 'b', status: 'drafted' }, 'job_batch_held (batch_id=?)'],
    [{ batchId: 'b', status: 'posting' }, 'job_status (status=?)'],
  ])('lists the tickets of a helpdesk, newest first, from an index (%o)', (more, index) => {
    const list = (watching: Connection) =>
      openTicketReader(watching, clock).tickets({ helpdesk: 'freshdesk', limit: 50, ...more });
    const [plan] = plansOf(list, /order by "job"\."id" desc/);
    expect(plan).toContain(`SEARCH job USING INDEX ${index}`);
    expect(plan).not.toContain('TEMP B-TREE');
  });

  it('finds tickets by the start of their id in the index of identities, in its order', () => {
    const find = (watching: Connection) =>
      openTicketReader(watching, clock).tickets({ helpdesk: 'zendesk', search: '51', status: 'dead', limit: 50 });
    const [plan] = plansOf(find, /order by "ticket"\."ticket_id"/);
    expect(plan).toMatch(
      /^SEARCH ticket USING INDEX ticket_identity \(helpdesk=\? AND ticket_id>\? AND ticket_id<\?\)/,
    );
    expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  it.each<[string, Partial<TicketQuery>, string]>([
    ['all', {}, 'SCAN ticket USING INDEX ticket_subject | SEARCH job'],
    [
      'those after a page',
      { cursor: Buffer.from('77').toString('base64url') },
      'SEARCH ticket USING INDEX ticket_subject (id<?) | SEARCH job',
    ],
    ['many', { status: 'posted' }, 'SCAN ticket USING INDEX ticket_subject | SEARCH job'],
    [
      'few',
      { status: 'dead' },
      'SEARCH job USING INDEX job_status (status=?) | SEARCH ticket USING INTEGER PRIMARY KEY (rowid=?)',
    ],
    [
      'few of a batch',
      { status: 'posted', batchId: 'b' },
      'SEARCH job USING INDEX job_batch (batch_id=?) | SEARCH ticket USING INTEGER PRIMARY KEY (rowid=?)',
    ],
  ])('searches the subjects of %s without a look at other tickets', (_, more, plan) => {
    connection.exec(`INSERT INTO status_count (scope, status, n) VALUES ('', 'posted', 100000)`);
    const search = (watching: Connection) =>
      openTicketReader(watching, clock).tickets({ search: 'refund', helpdesk: 'zendesk', limit: 50, ...more });
    const [found] = plansOf(search, /LIKE/);
    expect(found).toContain(plan);
    if (plan.startsWith('S') && plan.includes('ticket_subject')) expect(found).not.toContain('TEMP B-TREE');
  });

  it('tells the story of a ticket from indexes', () => {
    const plans = plansOf(
      (watching) => openTicketReader(watching, clock),
      /FROM (job WHERE ticket = \? ORDER BY rowid DESC|attempt WHERE job_id = \? ORDER|draft WHERE ticket = \? ORDER)/,
    );
    expect(plans).toHaveLength(3);
    for (const plan of plans) expect(plan).toMatch(/^SEARCH (?!.*(SCAN|TEMP B-TREE))/);
  });

  it('counts what fails, by class, from an index alone', () => {
    const [plan] = plansOf((watching) => openTicketReader(watching, clock).failing(), /sum\(status/);
    expect(plan).toContain('USING COVERING INDEX job_failing');
  });

  it('starts after a crash without a look at every job there ever was', () => {
    const open = (watching: Connection) =>
      openOutbox(watching, { clock, newId: uuidv7(clock), owner: 'first', maxPending: 10 });
    const plans = plansOf(open, /^UPDATE job .*SET (due_at|post_intended_at) = \?/);
    for (const plan of plans) expect(plan).toMatch(/^(SCAN|SEARCH) job USING INDEX job_due_(live|batch)/);
  });

  it('of the knowledge base never go through all texts', () => {
    const wanted = /FROM "?knowledge_(?:solved|article|passage|canned)/;
    const plans = plansOf((watchedConnection) => void openKnowledgeBase(watchedConnection, { clock }), wanted);
    // counts of sources and of linked tickets are read from their indexes alone
    for (const plan of plans) expect(plan).not.toMatch(/SCAN knowledge_\w+(?!\w| USING COVERING INDEX)/);
  });
});
