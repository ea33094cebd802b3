import type { Erasure } from '../core/erasure.ts';
import { RequestError } from '../core/errors.ts';
import type { Helpdesk } from '../core/helpdesk.ts';
import type { ServiceControl } from '../core/service-control.ts';
import { type AdminApp, adminRoute, pathParameter } from './admin-auth.ts';
import { described } from './operation.ts';
import { jsonResponse } from './responses.ts';
import { eraseApi } from './service-api.ts';

interface RequesterDeps {
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly control: ServiceControl;
}

/** People whose tickets these are. An unknown one has nothing to be removed: the same answer, with zeros. */
export function addRequesterRoutes(app: AdminApp, { helpdesks, control }: RequesterDeps): void {
  adminRoute(app, '/requesters/:helpdesk/:id', {
    DELETE: described(eraseApi, async (c) => {
      const helpdesk = pathParameter(c, 'helpdesk');
      const requesterId = pathParameter(c, 'id');
      if (!helpdesks.has(helpdesk)) throw new RequestError('not_found', 'That helpdesk is not configured.');
      const erasure = await control.eraseRequester(helpdesk, requesterId);
      return jsonResponse({ helpdesk, requesterId, ...erasureJson(erasure) });
    }),
  });
}

function erasureJson(erasure: Erasure): object {
  const { tickets, drafts, solved, errors, spendingDays, cancelled } = erasure;
  return { removed: { tickets, drafts, solved, errors, spendingDays }, cancelled, notRemoved: notRemoved(erasure) };
}

/** What is out of our hands, in sentences for the person who has to see to it. */
function notRemoved({ notes, posting, atProvider, filesCleaned }: Erasure): readonly string[] {
  return [
    ...(notes > 0 ? [`Private notes on tickets in the helpdesk, ${notes} of them ours: delete them there.`] : []),
    ...(posting > 0 ? [`Notes that were being written at this moment: ${posting} may still arrive.`] : []),
    ...(atProvider > 0
      ? [`Prompts in a file at the LLM's provider: ${atProvider}, deleted there when its batch is done.`]
      : []),
    ...(filesCleaned
      ? []
      : ['Copies in unused parts of the database file, which is rewritten in the next minute without work.']),
    'Backups of the database that were made before, and what the LLM provider keeps by its own terms.',
  ];
}
