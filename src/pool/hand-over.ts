import type { Conversation } from '../core/helpdesk.ts';
import type { TicketFacts } from '../core/outbox.ts';
import type { Asked } from '../core/rules.ts';
import type { Evidence } from '../drafting/passages.ts';

/** What a stage has fetched of a ticket, for the stages after it. */
export interface Material {
  readonly conversation: Conversation;
  /** What the team has written about it; null: there is no knowledge base. */
  readonly evidence: Evidence | null;
  /** What the rules want of it. */
  readonly asked: Asked;
  /** Steady ms. */
  readonly fetchedAt: number;
  readonly facts: TicketFacts;
}

/**
 * Hands material from stage to stage of a job, in memory only: nothing of it is stored. What is not there any more is
 * fetched anew.
 */
export interface HandOver {
  keep(jobId: string, material: Material): void;
  find(jobId: string): Material | null;
  drop(jobId: string): void;
}

/** Of all together; without what was found as many as 10,000 usual ones. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Beside its texts, of a message, of a conversation and of what was found. */
const FRAME_BYTES = 500;

/** What is over `maxBytes` goes, the oldest first. */
export function createHandOver(maxBytes = MAX_BYTES): HandOver {
  const kept = new Map<string, { readonly material: Material; readonly bytes: number }>();
  let sum = 0;
  const drop = (jobId: string): void => {
    sum -= kept.get(jobId)?.bytes ?? 0;
    kept.delete(jobId);
  };
  return {
    keep: (jobId, material) => {
      drop(jobId);
      const bytes = bytesOf(material);
      if (bytes > maxBytes) return;
      kept.set(jobId, { material, bytes });
      sum += bytes;
      for (const oldest of kept.keys()) {
        if (sum <= maxBytes) break;
        drop(oldest);
      }
    },
    find: (jobId) => kept.get(jobId)?.material ?? null,
    drop,
  };
}

/** Two bytes a character at most. */
function bytesOf({ conversation, evidence }: Material): number {
  const { articles, solved, canned } = evidence?.found ?? { articles: [], solved: [], canned: [] };
  const texts = [
    conversation.subject,
    ...conversation.messages.map(({ html }) => html),
    ...articles.map(({ passage }) => passage),
    ...solved.map(({ reply }) => reply),
    ...canned.map(({ body }) => body),
  ];
  return texts.reduce((bytes, { length }) => bytes + FRAME_BYTES + 2 * length, 0);
}
