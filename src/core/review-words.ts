import type { NoteBlock } from './helpdesk.ts';
import type { DraftReview } from './ticket.ts';

/** What a review came to, in a line. */
export function reviewLine({ verdict, model }: DraftReview): string {
  switch (verdict) {
    case 'passed':
      return `Reviewed by ${model}: no objections.`;
    case 'revised':
      return `Revised once after a review by ${model}. It had found in the first version:`;
    case 'objected':
      return `Reviewed by ${model}, and not revised. It found:`;
    case 'failed':
      return 'Not reviewed:';
  }
}

/** The same for the agent, with what was found. */
export function reviewBlocks(review: DraftReview | null): NoteBlock[] {
  if (review === null) return [];
  const line: NoteBlock = { kind: 'paragraph', text: reviewLine(review) };
  return review.problems.length === 0 ? [line] : [line, { kind: 'list', items: review.problems }];
}
