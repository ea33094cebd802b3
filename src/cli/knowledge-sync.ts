import { systemClock } from '../core/clock.ts';
import type { SourceProgress } from '../core/knowledge-sync.ts';
import { EXIT } from './command-error.ts';
import { describeSource, type KnowledgeSummary } from './knowledge-view.ts';
import { formatTable } from './progress-view.ts';
import { connect } from './service-client.ts';
import { jsonLine } from './shown.ts';
import { createStopper } from './stopper.ts';

const ASK_EVERY_MS = 1_000;

/** Begins a sync, and follows it to its end unless told not to wait. Answers the exit code. */
export async function syncKnowledge({ wait, json }: { readonly wait: boolean; readonly json?: true }): Promise<number> {
  const client = connect();
  const clock = systemClock();
  const stop = createStopper();
  let { sync } = await client.post<Pick<KnowledgeSummary, 'sync'>>('/admin/knowledge/sync');
  let said = new Map<string, string>();
  while (wait && !stop.signal.aborted) {
    if (json !== true) said = tellChanged(sync, said);
    if (sync.every(({ state }) => state !== 'reading')) break;
    await clock.sleep(ASK_EVERY_MS, stop.signal);
    if (!stop.signal.aborted) ({ sync } = await client.get<KnowledgeSummary>('/admin/knowledge'));
  }
  if (json === true) process.stdout.write(jsonLine({ sync }));
  if (stop.signalled()) return EXIT.interrupted;
  if (!wait && json !== true) process.stdout.write('It has begun: see draftdesk knowledge status.\n');
  return wait && sync.some(({ state }) => state !== 'synced') ? EXIT.failed : 0;
}

/** A line for each source that is further than was said. */
function tellChanged(sync: readonly SourceProgress[], said: ReadonlyMap<string, string>): Map<string, string> {
  const rows = sync.map(describeSource);
  const news = rows.filter(([name, state]) => said.get(name) !== state);
  if (news.length > 0) process.stdout.write(formatTable(process.stdout, news));
  return new Map(rows);
}
