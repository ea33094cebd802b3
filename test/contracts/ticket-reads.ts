import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDraft, makeDrafted, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { DRAFT, type OutboxSetup, type OutboxUnderTest, POST } from './outbox.ts';

/** What every store behind the port `TicketReader` must tell the console. */
export function ticketReadsContract(name: string, open: (setup: OutboxSetup) => Promise<OutboxUnderTest>): void {
  describe(`ticket reads: ${name}`, () => {
    let store: OutboxUnderTest;

    beforeEach(async () => {
      store = await open({ maxPending: 1000 });
    });
    afterEach(() => store.dispose());

    const ingest = (ticketId: string, key: string = ticketId, helpdesk = 'zendesk', messageId: string | null = null) =>
      store.outbox.ingest({ helpdesk, event: makeEvent(ticketId, { key, messageId }), traceparent: TRACEPARENT });
    const work = async (offer: typeof DRAFT, outcome: Parameters<typeof store.outbox.report>[1], costUsd = 0) => {
      const [job] = await store.outbox.claim([offer], 1);
      if (job === undefined) throw new Error('nothing to claim');
      const usage = { promptTokens: 500, cachedTokens: 0, completionTokens: 120 };
      const spent = costUsd === 0 ? null : { usage, costUsd, waitedMs: 240 };
      await store.outbox.report(job, outcome, { startedAt: store.clock.now(), durationMs: 5, spent });
    };

    describe('tickets that are searched for', () => {
      const idsOf = (query: object): string[][] => {
        const pages: string[][] = [];
        let cursor: string | null = null;
        do {
          const page = store.reader.tickets({ limit: 2, ...query, ...(cursor === null ? {} : { cursor }) });
          pages.push(page.items.map(({ helpdesk, ticketId }) => `${helpdesk} ${ticketId}`));
          cursor = page.nextCursor;
        } while (cursor !== null);
        return pages;
      };

      beforeEach(async () => {
        for (const id of ['7', '51', '5158', '51580', '515', '6158']) await ingest(id);
        for (const id of ['5158', '59']) await ingest(id, id, 'freshdesk');
      });

      it('come by their id in the order of helpdesks and ids, page by page, each once', () => {
        expect(idsOf({ search: '51' })).toEqual([
          ['freshdesk 5158', 'zendesk 51'],
          ['zendesk 515', 'zendesk 5158'],
          ['zendesk 51580'],
        ]);
      });

      it('are found by the whole id, and what has no such id is not', () => {
        expect(idsOf({ search: '6158' })).toEqual([['zendesk 6158']]);
        expect(idsOf({ search: '9' })).toEqual([[]]);
      });

      it('are those of one helpdesk and one status, when asked so', async () => {
        await work(DRAFT, { kind: 'dead', errorClass: 'refusal', error: 'It refused.' });
        expect(idsOf({ search: '5', helpdesk: 'freshdesk' })).toEqual([['freshdesk 5158', 'freshdesk 59']]);
        expect(idsOf({ search: '7', status: 'dead' })).toEqual([['zendesk 7']]);
        expect(idsOf({ search: '5', status: 'dead' })).toEqual([[]]);
      });

      /** Of these tickets, which must be the next ones to be claimed. */
      const fail = async (...subjects: readonly string[]): Promise<void> => {
        for (const subject of subjects) {
          const facts = { subject, requesterId: 'r1' };
          await work(DRAFT, { kind: 'dead', errorClass: 'refusal', error: 'It refused.', facts });
        }
      };

      it('are found by all words of the subject, in any case, newest first, page by page', async () => {
        await fail('Refund for order 1', 'REFUND, please', 'Other', 'my order: refund?', 'Wo bleibt die ÜBERWEISUNG?');
        expect(idsOf({ search: 'refund' })).toEqual([['zendesk 51580', 'zendesk 51'], ['zendesk 7']]);
        expect(idsOf({ search: '  ORDER   refund ' })).toEqual([['zendesk 51580', 'zendesk 7']]);
        expect(idsOf({ search: 'überweisung' })).toEqual([['zendesk 515']]);
        expect(idsOf({ search: 'refund', helpdesk: 'freshdesk' })).toEqual([[]]);
        expect(idsOf({ search: 'refund', status: 'dead', errorClass: 'refusal' })).toHaveLength(2);
        expect(idsOf({ search: 'refund', errorClass: 'timeout' })).toEqual([[]]);
        expect(idsOf({ search: 'refund', status: 'queued' })).toEqual([[]]);
        expect(idsOf({ search: 'refund', batchId: 'b1' })).toEqual([[]]);
        expect(idsOf({ search: ' ' })).toEqual([[]]);
      });

      it('are found by a number first as an id, then in subjects, each once', async () => {
        await fail('Order 515', 'Bill 5151', 'About 515 again', 'none');
        expect(idsOf({ search: '515' })).toEqual([
          ['freshdesk 5158', 'zendesk 515'],
          ['zendesk 5158', 'zendesk 51580'],
          ['zendesk 51', 'zendesk 7'],
        ]);
      });

      it('are found by what it says, not by what it means in SQL', async () => {
        await fail('100 % off_line', '1000 off line', String.raw`a\b`);
        expect(idsOf({ search: '%' })).toEqual([['zendesk 7']]);
        expect(idsOf({ search: 'off_' })).toEqual([['zendesk 7']]);
        expect(idsOf({ search: '\\' })).toEqual([['zendesk 5158']]);
        expect(idsOf({ search: `'" OR 1` })).toEqual([[]]);
      });

      it('are not found by a text that is removed', async () => {
        await fail('An old canary');
        await store.clock.advance(1);
        await store.outbox.removeTexts(store.clock.now(), new AbortController().signal);
        await fail('A young canary');
        expect(idsOf({ search: 'canary' })).toEqual([['zendesk 51']]);
        await store.outbox.eraseRequester('zendesk', 'r1');
        expect(idsOf({ search: 'canary' })).toEqual([[]]);
      });

      it('refuses a cursor of another list', () => {
        const { nextCursor } = store.reader.tickets({ limit: 1 });
        expect(() => store.reader.tickets({ limit: 1, search: '5', cursor: nextCursor ?? '' })).toThrow('cursor');
      });
    });

    describe('the story of a ticket', () => {
      it('is not there for a ticket nobody knows', () => {
        expect(store.reader.story('zendesk', '1')).toBeNull();
      });

      it('has every try with its cost, and the note', async () => {
        await ingest('1');
        const failure = { delayMs: 0, countsAsAttempt: true, postInDoubt: false } as const;
        await work(DRAFT, { kind: 'retry', ...failure, errorClass: 'server_error', error: 'It answered 500.' });
        await work(DRAFT, makeDrafted(), 0.002);
        await work(POST, { kind: 'posted', noteId: 'n1' });
        const [round] = store.reader.story('zendesk', '1')?.rounds ?? [];
        expect(round).toMatchObject({ status: 'posted', noteId: 'n1', batchId: null });
        expect(round?.marker).toMatch(/^dd-/);
        expect(round?.attempts).toMatchObject([
          {
            stage: 'draft',
            outcome: 'retry',
            errorClass: 'server_error',
            error: 'It answered 500.',
            costUsd: null,
            waitedMs: null,
          },
          { stage: 'draft', outcome: 'ok', promptTokens: 500, completionTokens: 120, costUsd: 0.002, waitedMs: 240 },
          { stage: 'post', outcome: 'ok', promptTokens: null, waitedMs: null },
        ]);
        expect(store.reader.ticket('zendesk', '1')?.attempts.map(({ waitedMs }) => waitedMs)).toEqual([
          null,
          240,
          null,
        ]);
      });

      it('has the rounds of a ticket and the versions of its draft, oldest first', async () => {
        await ingest('1', 'first', 'zendesk', '100');
        await work(DRAFT, makeDrafted());
        await work(POST, { kind: 'posted', noteId: 'n1' });
        await ingest('1', 'second', 'zendesk', '101');
        const draft = makeDraft({ body: 'Please restart the phone.' });
        await work(DRAFT, makeDrafted({ draft, seenMessageId: '101' }));
        const story = store.reader.story('zendesk', '1');
        expect(story?.rounds.map(({ status }) => status)).toEqual(['posted', 'posting']);
        expect(story?.drafts).toMatchObject([
          { version: 1, body: 'Please restart the app.', roundId: story?.rounds[0]?.id },
          { version: 2, body: 'Please restart the phone.', roundId: story?.rounds[1]?.id },
        ]);
      });

      it('has all that a draft says of its proof, in all that is read', async () => {
        const closest = {
          kind: 'article',
          id: 'a/1',
          title: 'Start',
          url: null,
          restricted: true,
          share: 0.2,
          votes: 3,
        } as const;
        const proof = {
          sources: [{ ...closest, quote: 'Hold it' }],
          unproven: ['It takes a week'],
          missing: ['The model'],
          closest: [closest],
          versions: { prompt: 'p', guidelines: null, rules: null, model: 'm', knowledge: 'k' },
        };
        await ingest('1');
        await work(DRAFT, makeDrafted({ draft: makeDraft(proof) }));
        expect(store.reader.ticket('zendesk', '1')?.draft).toMatchObject(proof);
        expect(store.reader.story('zendesk', '1')?.drafts[0]).toMatchObject(proof);
        const [job] = await store.outbox.claim([POST], 1);
        expect(job?.draft).toMatchObject(proof);
      });

      it('has no draft whose text was removed', async () => {
        await ingest('1');
        await work(DRAFT, makeDrafted());
        await work(POST, { kind: 'posted', noteId: 'n1' });
        await store.outbox.removeTexts(store.clock.now() + 1, new AbortController().signal);
        expect(store.reader.story('zendesk', '1')?.drafts).toEqual([]);
      });
    });
  });
}
