import type { Clock } from '../core/clock.ts';
import type { HelpdeskSimulator } from '../sandbox/helpdesk-simulator.ts';
import type { SandboxService } from './sandbox-service.ts';

interface Known {
  readonly sources: readonly { readonly source: string; readonly syncedAt: string | null }[];
}

const LOOK_EVERY_MS = 100;
/** With faults a source may need another try; the tickets do not wait longer for it. */
const PATIENCE_MS = 20_000;

/** Lets the service read the account's help centre, macros and solved tickets, before the first ticket comes. */
export async function learnFromAccount(service: SandboxService, clock: Clock): Promise<void> {
  await service.post('/admin/knowledge/sync', {});
  for (const patience = clock.steady() + PATIENCE_MS; clock.steady() < patience;) {
    const { sources } = await service.get<Known>('/admin/knowledge');
    if (sources.length > 0 && sources.every(({ syncedAt }) => syncedAt !== null)) return;
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** How many of our notes name what they rest on, and how many say that nothing fits. */
export function countGrounded(
  ticketIds: readonly string[],
  simulator: Pick<HelpdeskSimulator, 'notes'>,
): { readonly withSources: number; readonly findings: number } {
  const texts = ticketIds.flatMap((ticketId) => simulator.notes(ticketId).map(({ html }) => html));
  return {
    withSources: texts.filter((html) => html.includes('<strong>Sources</strong>')).length,
    findings: texts.filter((html) => html.includes('AI draft: no reply')).length,
  };
}
