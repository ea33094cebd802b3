import { beforeEach, describe, expect, it } from 'vitest';
import { type KnowledgeKind, knowledgeKey } from '../../src/core/knowledge-base.ts';
import type { HelpdeskKnowledge, KnowledgeItems, KnowledgePage } from '../../src/core/knowledge-source.ts';
import type { Helpdesk } from '../../src/core/helpdesk.ts';
import { fillKnowledge } from '../../src/sandbox/fill-knowledge.ts';
import type { HelpdeskSimulator } from '../../src/sandbox/helpdesk-simulator.ts';
import { sampleArticles, sampleMacros } from '../../src/sandbox/sample-articles.ts';
import { sampleHistory } from '../../src/sandbox/sample-history.ts';
import { failure, never } from '../helpdesks/deps.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { livelyTime } from '../support/lively-time.ts';

export interface KnowledgeWorld {
  readonly helpdesk: Helpdesk;
  readonly simulator: HelpdeskSimulator;
  readonly clock: FakeClock;
  /** Address of the account. */
  readonly origin: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Pass<Kind extends KnowledgeKind> {
  readonly items: KnowledgeItems[Kind][];
  readonly gone: string[];
  readonly cursor: string;
  readonly complete: boolean;
  readonly pages: number;
}

/** Reads one pass to its end. `between` runs after each page. */
export async function readPass<Kind extends KnowledgeKind>(
  knowledge: HelpdeskKnowledge | undefined,
  kind: Kind,
  cursor: string | null = null,
  { since = 0, between = () => undefined as void } = {},
): Promise<Pass<Kind>> {
  const read = knowledge?.[kind];
  if (read === undefined) throw new Error(`no source of ${kind}`);
  const items: KnowledgeItems[Kind][] = [];
  const gone: string[] = [];
  for (let pages = 1, at = cursor; pages < 500; pages++) {
    const page = (await read({ cursor: at, since, signal: never })) as KnowledgePage<KnowledgeItems[Kind]>;
    expect(page.begins).toBe(pages === 1);
    items.push(...page.items);
    gone.push(...page.gone);
    at = page.nextCursor;
    if (page.done) return { items, gone, cursor: at, complete: page.complete, pages };
    between();
  }
  throw new Error('the pass has no end');
}

/** One pass after the other, from the beginning each. */
async function readForEver(knowledge: HelpdeskKnowledge | undefined, signal: AbortSignal): Promise<never> {
  for (let cursor: string | null = null; ;) {
    const page: KnowledgePage<unknown> | undefined = await knowledge?.solved?.({ cursor, since: 0, signal });
    cursor = page === undefined || page.done ? null : page.nextCursor;
  }
}

const keysOf = (items: readonly { readonly id: string; readonly locale?: string | null }[]): string[] =>
  items.map(knowledgeKey).toSorted();

/** What every helpdesk's knowledge must be like, against a simulated account with the sample help centre. */
export function knowledgeContract(name: string, setup: (requestsPerMinute?: number) => KnowledgeWorld): void {
  describe(`knowledge contract: ${name}`, () => {
    let world: KnowledgeWorld;
    let ticketIds: string[];
    const pass = <Kind extends KnowledgeKind>(kind: Kind, ...rest: [string?, Parameters<typeof readPass>[3]?]) =>
      readPass(world.helpdesk.knowledge, kind, ...rest);
    beforeEach(async () => {
      world = setup();
      ticketIds = fillKnowledge(world.simulator, world.origin);
      // exports and lists are a little behind
      await world.clock.advance(HOUR);
    });

    describe('articles', () => {
      it('are those that are published, in all their languages, restricted or not', async () => {
        const { items, complete } = await pass('articles');
        const published = Object.values(sampleArticles).filter((article) => article !== sampleArticles.draft);
        expect(items).toHaveLength(published.flatMap(({ texts }) => texts).length);
        expect(complete).toBe(true);
        expect(items.filter(({ restricted }) => restricted).map(({ id }) => id)).toEqual([`${name}/9017`]);
        const [first, second] = items.filter(({ id }) => id === `${name}/9001`);
        expect(first).toMatchObject({ title: 'Where is my order?', updatedAt: world.clock.now() - HOUR });
        expect(first?.locale).toMatch(/^en/);
        expect(first?.body).toContain('<h2>');
        expect(first?.url).toMatch(/^http:\/\/127\.0\.0\.1:1\/.*\/articles\/9001(-|$)/);
        expect(second).toMatchObject({ title: 'Wo ist meine Bestellung?', locale: 'de' });
        expect(second?.url).toMatch(/\/de\/.*articles\/9001(-|$)/);
      });

      it('come again when they have changed, and go when they are withdrawn or archived', async () => {
        const before = await pass('articles');
        world.simulator.helpCentre.edit(9003, { html: '<p>New words.</p>' });
        world.simulator.helpCentre.edit(9004, { locale: 'de', draft: true });
        world.simulator.helpCentre.edit(9005, { draft: true });
        await world.clock.advance(HOUR);
        const after = await pass('articles', before.cursor);
        expect(after.items).toContainEqual(expect.objectContaining({ id: `${name}/9003`, body: '<p>New words.</p>' }));
        world.simulator.helpCentre.archive(9006);
        await world.clock.advance(DAY);
        const later = await pass('articles', after.cursor);
        expect(later.complete).toBe(true);
        const left = keysOf(later.items);
        expect(left.filter((key) => key.startsWith(`${name}/9004`))).toHaveLength(1);
        expect(left.some((key) => key.startsWith(`${name}/9005`) || key.startsWith(`${name}/9006`))).toBe(false);
      });

      it('fail with a class when the plan has no help centre', async () => {
        world.simulator.helpCentre.licensed = false;
        expect((await failure(pass('articles'))).errorClass).toBe('forbidden');
      });
    });

    it('canned replies are those that everybody uses to write to customers', async () => {
      const { items, complete } = await pass('canned');
      const shared = sampleMacros.filter(
        ({ active, personal, internal }) => active !== false && !personal && !internal,
      );
      expect(items.map(({ title }) => title)).toEqual(shared.map(({ title }) => title));
      expect(items.every(({ body }) => body.length > 50)).toBe(true);
      expect(complete).toBe(true);
    });

    describe('solved tickets', () => {
      it('have the question, the answer, who asked and when it was answered', async () => {
        const { items, complete } = await pass('solved');
        expect(keysOf(items)).toEqual(ticketIds.map((id) => `${name}/${id}`).toSorted());
        expect(complete).toBe(false);
        const first = items.find(({ id }) => id === `${name}/${ticketIds[0]}`);
        expect(first).toMatchObject({
          subject: sampleHistory[0]?.[0],
          solvedAt: world.clock.now() - HOUR,
          articles: null,
        });
        expect(first?.description).toContain('has not moved for four days');
        expect(first?.reply).toContain('six working days');
        expect(first?.reply).toContain('/articles/9001');
        expect(first?.customer).toMatch(new RegExp(`^${name}/\\d+$`));
        expect(new Set(items.map(({ customer }) => customer)).size).toBe(sampleHistory.length);
      });

      it('are only those that people answered', async () => {
        const { simulator } = world;
        const unanswered = simulator.addTicket({ subject: 'Q', html: '<p>Hello?</p>' });
        const noted = simulator.addTicket({ subject: 'Q', html: '<p>Hello?</p>' });
        const notes = 'A long private note of an agent to a colleague about this customer, with a link to a wiki.';
        simulator.agentReply(noted, `<p>${notes}</p>`, { public: false });
        const open = simulator.addTicket({ subject: 'Q', html: '<p>Hello?</p>' });
        simulator.agentReply(open, `<p>${notes}</p>`, { public: true });
        simulator.solve(unanswered);
        simulator.solve(noted);
        await world.clock.advance(HOUR);
        const { items } = await pass('solved');
        expect(items).toHaveLength(ticketIds.length);
      });

      it('are read once, and again when they have changed', async () => {
        const before = await pass('solved');
        const quiet = await pass('solved', before.cursor);
        expect([quiet.items, quiet.gone]).toEqual([[], []]);
        const [id = ''] = ticketIds;
        world.simulator.customerReply(id, '<p>It has still not come, it is Monday now. What shall I do?</p>');
        await world.clock.advance(HOUR);
        const reopened = await pass('solved', quiet.cursor);
        expect([reopened.items, reopened.gone]).toEqual([[], [`${name}/${id}`]]);
        const answer = 'We have now started a search with the carrier, and will send a new parcel if it is not found.';
        world.simulator.agentReply(id, `<p>${answer}</p>`, { public: true });
        world.simulator.solve(id);
        await world.clock.advance(HOUR);
        const again = await pass('solved', reopened.cursor);
        expect(again.items).toMatchObject([{ id: `${name}/${id}`, reply: expect.stringContaining(answer) as string }]);
      });

      it('go when they are deleted or turn out to be spam', async () => {
        const before = await pass('solved');
        const [deleted = '', spam = ''] = ticketIds;
        world.simulator.delete(deleted);
        world.simulator.markSpam(spam);
        await world.clock.advance(HOUR);
        const after = await pass('solved', before.cursor);
        expect(new Set(after.gone)).toEqual(new Set([`${name}/${deleted}`, `${name}/${spam}`]));
        expect(after.items).toEqual([]);
      });

      it('that are gone between list and look hold up no others', async () => {
        const [, second = ''] = ticketIds;
        let pages = 0;
        const { items, gone } = await pass('solved', undefined, {
          between: () => {
            pages += 1;
            if (pages === 1) world.simulator.delete(second);
          },
        });
        expect(items).toHaveLength(ticketIds.length - 1);
        expect(gone).toEqual([`${name}/${second}`]);
      });

      it('that are older than wanted are left out', async () => {
        await world.clock.advance(30 * DAY);
        const [touched = ''] = ticketIds;
        world.simulator.agentReply(touched, '<p>Filed under parcels.</p>', { public: false });
        await world.clock.advance(HOUR);
        const { items } = await pass('solved', undefined, { since: world.clock.now() - 10 * DAY });
        expect(items).toEqual([]);
      });
    });

    it('a cursor that is none of ours counts as none', async () => {
      for (const kind of ['articles', 'solved', 'canned'] as const) {
        const { items } = await pass(kind, '{"of":"another version"}');
        expect(items.length).toBeGreaterThan(3);
      }
    });

    it('reading it takes at most half of what the account gives, and lets tickets go first', async () => {
      const { helpdesk, clock, simulator, origin } = setup(60);
      const [ticketId = ''] = fillKnowledge(simulator, origin);
      await clock.advance(HOUR);
      const stop = new AbortController();
      const before = simulator.stats().total;
      const reading = readForEver(helpdesk.knowledge, stop.signal);
      await livelyTime(clock, 3 * 60_000, 250);
      const calls = simulator.stats().total - before;
      expect(calls).toBeGreaterThan(40);
      // the lists of tickets, a call for each pass, have limits of their own
      expect(calls).toBeLessThanOrEqual(30 * 3 * 1.2);
      const asked = clock.now();
      const seen = helpdesk.conversation(ticketId, never).then(() => clock.now());
      await livelyTime(clock, 10_000, 250);
      expect((await seen) - asked).toBeLessThan(2000);
      stop.abort();
      expect((await failure(reading)).errorClass).toBe('cancelled');
    });
  });
}
