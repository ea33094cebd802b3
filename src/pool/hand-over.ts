import type { Conversation } from '../core/helpdesk.ts';
import type { TicketFacts } from '../core/outbox.ts';

/** What a stage has fetched of a ticket, for the stages after it. */
export interface Material {
  readonly conversation: Conversation;
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

/** Of all conversations together; as many as 10,000 usual ones. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Beside its texts, of a message and of a conversation. */
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
      const bytes = bytesOf(material.conversation);
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
function bytesOf({ subject, messages }: Conversation): number {
  return messages.reduce((bytes, { html }) => bytes + FRAME_BYTES + 2 * html.length, FRAME_BYTES + 2 * subject.length);
}
