import { RequestError } from '../core/errors.ts';
import type { KnowledgeSyncer, SourceProgress } from '../core/knowledge-sync.ts';

/** Begins to read all sources. Throws `RequestError('conflict')` where there is none. */
export function startSync(syncer: KnowledgeSyncer | undefined): readonly SourceProgress[] {
  if (syncer === undefined || syncer.progress().length === 0)
    throw new RequestError('conflict', 'No helpdesk is configured that has a help centre, macros or history to read.');
  // it never rejects; what went wrong stands in its progress
  void syncer.sync();
  return syncer.progress();
}
