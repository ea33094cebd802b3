import { Command } from 'commander';
import type { Progress } from '../core/service-control.ts';
import { TICKET_STATUSES } from '../core/ticket.ts';
import { visibleText } from '../core/visible-text.ts';
import { CommandError, EXIT, guarded } from './command-error.ts';
import { formatCount, formatDuration, formatTable, paint } from './progress-view.ts';
import { connect } from './service-client.ts';
import { jsonLine, shown } from './shown.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('Shows how a running service is doing, or where one ticket is.')
    .argument('[ticket]', 'helpdesk and id, e.g. zendesk/5158')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExamples:\n  $ draftdesk status\n  $ draftdesk status zendesk/5158')
    .action(
      guarded(async (ticket: string | undefined, { json }: { readonly json?: true }) => {
        const client = connect();
        if (ticket === undefined) {
          const progress = await client.get<Progress>('/admin/progress');
          process.stdout.write(json === true ? jsonLine(progress) : describeProgress(progress));
          return 0;
        }
        const [helpdesk, id] = ticket.split('/');
        if (!helpdesk || !id) throw new CommandError('Name a ticket as helpdesk/id, e.g. zendesk/5158.', EXIT.usage);
        const path = `/admin/tickets/${encodeURIComponent(helpdesk)}/${encodeURIComponent(id)}`;
        const found = await client.get<TicketAnswer>(path);
        process.stdout.write(json === true ? jsonLine(found) : describeTicket(found));
        return 0;
      }),
    );
}

function describeProgress(progress: Progress): string {
  const { counts, workers, ratePerMinute, etaSeconds, pauses, oldestQueuedSeconds } = progress;
  const present = TICKET_STATUSES.filter((status) => counts[status] > 0);
  const eta = etaSeconds === null || etaSeconds === 0 ? '' : `, about ${formatDuration(etaSeconds * 1000)} left`;
  const rows: (readonly [string, string])[] = [
    ['tickets', formatCount(progress.total)],
    ...present.map((status) => [`  ${status}`, formatCount(counts[status])] as const),
    ['rate', `${formatCount(ratePerMinute)}/min${eta}`],
    ['workers', `${workers.busy}/${workers.total} busy`],
    ['oldest waits', formatDuration(oldestQueuedSeconds * 1000)],
  ];
  const paused = pauses.map(
    ({ scope, reason }) => `  ${paint(process.stdout, 'yellow', `${scope} stands still:`)} ${reason}\n`,
  );
  return `\n${formatTable(process.stdout, rows)}\n${paused.join('')}`;
}

/** What is shown of `GET /admin/tickets/{helpdesk}/{ticketId}`. */
interface TicketAnswer {
  readonly helpdesk: string;
  readonly ticketId: string;
  readonly status: string;
  readonly reason: string | null;
  readonly batchId: string | null;
  readonly subject: string | null;
  readonly updatedAt: string;
  readonly noteId: string | null;
  readonly attempts: readonly {
    readonly stage: string;
    readonly number: number;
    readonly durationMs: number;
    readonly outcome: string;
    readonly error: string | null;
  }[];
  readonly draft: { readonly body: string | null } | null;
}

function describeTicket(ticket: TicketAnswer): string {
  const rows: (readonly [string, string])[] = [
    ['ticket', `${ticket.helpdesk}/${ticket.ticketId}  ${shown(ticket.subject ?? '')}`],
    ['status', `${ticket.status}${ticket.reason === null ? '' : ` (${ticket.reason})`} since ${ticket.updatedAt}`],
    ...(ticket.batchId === null ? [] : [['batch', ticket.batchId] as const]),
    ...(ticket.noteId === null ? [] : [['note', ticket.noteId] as const]),
    ...ticket.attempts.map(
      ({ stage, number, durationMs, outcome, error }) =>
        [
          `${stage} ${number}`,
          `${outcome} in ${formatDuration(durationMs)}${error === null ? '' : `: ${error}`}`,
        ] as const,
    ),
  ];
  const body = ticket.draft?.body ?? null;
  return `\n${formatTable(process.stdout, rows)}${body === null ? '' : `\n${visibleText(body)}\n`}\n`;
}
