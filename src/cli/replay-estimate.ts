import { estimateFileRun, TYPICAL_DRAFT } from '../file-estimate.ts';
import { pastEvidence } from '../replay-past.ts';
import { describeEstimate } from './batch-run-estimate.ts';
import { FILE_HELPDESK, ticketIdOf } from './file-helpdesk.ts';
import { type DraftPastOptions, partsOf, type PastDrafting } from './replay-draft.ts';
import { jsonLine } from './shown.ts';

/** Prompts that the estimate is made from. */
const ESTIMATED_FROM = 30;

/** Says what a replay from nothing would take, without a call to the model. Answers the exit code. */
export async function estimateReplay(drafting: PastDrafting, options: DraftPastOptions): Promise<number> {
  const { tickets } = drafting.past;
  const byTicketId = new Map(tickets.map((ticket) => [ticketIdOf(ticket), ticket]));
  const { helpdesk, knowledge } = partsOf(drafting, byTicketId, options);
  const signal = drafting.stop.signal;
  const step = Math.max(1, tickets.length / ESTIMATED_FROM);
  const ids = [...byTicketId.keys()];
  const chosen = Array.from(
    { length: Math.min(ids.length, ESTIMATED_FROM) },
    (_, n) => ids[Math.floor(n * step)] ?? '',
  );
  const sample = await Promise.all(chosen.map((ticketId) => helpdesk.conversation(ticketId, signal)));
  const evidence = await Promise.all(sample.map((one) => pastEvidence(one, FILE_HELPDESK, knowledge)));
  const estimate = estimateFileRun(drafting.config, {
    tickets: tickets.length,
    sample,
    evidence,
    past: TYPICAL_DRAFT,
    tier: options.lane ?? 'standard',
  });
  process.stdout.write(options.json === true ? jsonLine(estimate) : describeEstimate(estimate, 0, false));
  return 0;
}
