import type { Mutant } from './service.ts';

/** The safeguards, each taken out: the simulation must notice the lack of every one of them. */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'no look before the write': {
    helpdesk: (helpdesk) => ({
      ...helpdesk,
      look: async (request, signal) => {
        const found = await helpdesk.look(request, signal);
        return found.kind === 'posted' ? { kind: 'clear', fence: '' } : found;
      },
    }),
  },
  'no safe_update at Zendesk': {
    fetch: (real) => (input, init) =>
      real(input, {
        ...init,
        ...(typeof init?.body === 'string' ? { body: init.body.replace('"safe_update":true,', '') } : {}),
      }),
  },
  'no quarantine at Freshdesk': {
    helpdesk: (helpdesk) => ({ ...helpdesk, ambiguousWaitMs: 0 }),
  },
  'the intent is not recorded': {
    outbox: (outbox) => ({ ...outbox, intendPost: async () => true }),
  },
  'writes although the claim is lost': {
    outbox: (outbox) => ({
      ...outbox,
      intendPost: async (claim, lookedAt) => {
        await outbox.intendPost(claim, lookedAt);
        return true;
      },
      holds: () => true,
    }),
  },
  'reports go through whoever holds the job': {
    outbox: (outbox, connection) => {
      const holder = connection.prepare<[string], { attempt: number; owner: string | null }>(
        'SELECT attempt, owner FROM job WHERE id = ?',
      );
      return {
        ...outbox,
        report: (claim, outcome, timing) => {
          const held = holder.get(claim.jobId);
          const owner = held?.owner ?? claim.owner;
          return outbox.report({ ...claim, attempt: held?.attempt ?? claim.attempt, owner }, outcome, timing);
        },
      };
    },
  },
  'webhooks are acknowledged before they are stored': {
    outbox: (outbox) => ({
      ...outbox,
      ingest: async (request) => {
        outbox.ingest(request).catch(() => undefined);
        return 'accepted';
      },
    }),
  },
  'what failed is never due again': {
    outbox: (outbox) => ({
      ...outbox,
      report: (claim, outcome, timing) =>
        outbox.report(claim, outcome.kind === 'retry' ? { ...outcome, delayMs: 1e12 } : outcome, timing),
    }),
  },
  'a draft is bought again after a hiccup': {
    outbox: (outbox) => {
      let drafts = 0;
      return {
        ...outbox,
        report: (claim, outcome, timing) => {
          drafts += outcome.kind === 'drafted' ? 1 : 0;
          if (outcome.kind !== 'drafted' || drafts % 3 !== 0) return outbox.report(claim, outcome, timing);
          const again = { kind: 'retry', delayMs: 100, countsAsAttempt: false, postInDoubt: false } as const;
          return outbox.report(claim, { ...again, errorClass: 'internal', error: 'A hiccup.' }, timing);
        },
      };
    },
  },
  'a reply that comes while its note is written is forgotten': {
    outbox: (outbox, connection) => ({
      ...outbox,
      report: (claim, outcome, timing) => {
        if (outcome.kind === 'posted')
          connection.prepare('UPDATE job SET pending_at = NULL WHERE id = ?').run(claim.jobId);
        return outbox.report(claim, outcome, timing);
      },
    }),
  },
};
