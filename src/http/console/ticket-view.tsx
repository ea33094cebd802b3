import type { FC } from 'hono/jsx';
import { ADVICE } from '../../core/advice.ts';
import { ERROR_CLASSES } from '../../core/errors.ts';
import type { TicketDetail } from '../../core/ticket.ts';
import type { TicketStory } from '../../core/ticket-story.ts';
import { RULE_REASONS } from '../../core/rule-words.ts';
import { Action, Ago, Card, Chip, Facts, Live, StatusChip } from './components.tsx';
import { DraftChanges } from './draft-changes.tsx';
import { NewestDraft } from './draft-view.tsx';
import type { Visit } from './page.tsx';
import { Shown } from './shown.tsx';
import { Round, Trace } from './timeline-view.tsx';

export interface TicketViewProps {
  readonly ticket: TicketDetail;
  readonly story: TicketStory;
  readonly visit: Visit;
  /** Where an agent sees it. */
  readonly url: string | null;
  readonly traceUrl: (traceId: string) => string | null;
  /** Why what was asked for could not be done. */
  readonly problem: string | null;
}

export function ticketPath({ helpdesk, ticketId }: { readonly helpdesk: string; readonly ticketId: string }): string {
  return `/tickets/${encodeURIComponent(helpdesk)}/${encodeURIComponent(ticketId)}`;
}

/** One ticket with all that is known of it. */
export const TicketView: FC<TicketViewProps> = ({ problem, ...props }) => (
  <>
    {problem !== null && (
      <p class="flash bad" role="alert">
        {problem}
      </p>
    )}
    <Live id="ticket">
      <Summary {...props} />
      <NewestDraft {...props} />
      <DraftChanges drafts={props.story.drafts} />
      <Card title="What happened">
        {props.story.rounds.toReversed().map((round, index) => (
          <Round round={round} newest={index === 0} {...props} />
        ))}
      </Card>
    </Live>
  </>
);

type Parts = Omit<TicketViewProps, 'problem'>;

const RETRYABLE = new Set(['dead', 'cancelled', 'skipped']);

/** With what it means, where the word alone does not say it. */
function reasonWords(reason: string, rule: string | null): string {
  const words: Readonly<Record<string, string | undefined>> = RULE_REASONS;
  if (words[reason] === undefined) return reason;
  return `${reason}: ${words[reason]}${rule === null ? '' : ` (${rule})`}`;
}

const Summary: FC<Parts> = ({ ticket, visit, url, traceUrl }) => (
  <section class="card">
    <h2>{ticket.subject === null ? <SubjectGone ticket={ticket} /> : <Shown text={ticket.subject} />}</h2>
    <Facts
      of={[
        ['Status', <StatusChip status={ticket.status} />],
        ...(ticket.reason === null || ticket.reason === ticket.errorClass
          ? []
          : [['Reason', reasonWords(ticket.reason, ticket.rule)] as const]),
        ['Came', <Ago at={ticket.createdAt} now={visit.now} />],
        ['Changed', <Ago at={ticket.updatedAt} now={visit.now} />],
        ...(ticket.batchId === null
          ? []
          : [['Batch', <a href={`/batches/${ticket.batchId}`}>to the batch</a>] as const]),
        ['Trace', <Trace id={ticket.traceId} url={traceUrl(ticket.traceId)} />],
      ]}
    />
    {ticket.error !== null && (
      <p class="error-line">
        <Chip tone={ticket.status === 'dead' ? 'bad' : 'wait'}>{ticket.errorClass}</Chip> <Shown text={ticket.error} />
      </p>
    )}
    {ticket.status === 'dead' && (
      <p>
        <strong>What to do:</strong> {adviceOn(ticket.errorClass)}
      </p>
    )}
    <div class="row actions">
      {visit.canChange && RETRYABLE.has(ticket.status) && <Action to={`${ticketPath(ticket)}/retry`} label="Retry" />}
      {visit.canChange && ticket.status === 'drafted' && (
        <Action to={`${ticketPath(ticket)}/post`} label="Post the draft" />
      )}
      {url !== null && (
        <a href={url} rel="noreferrer noopener" target="_blank">
          Open at {ticket.helpdesk}
        </a>
      )}
    </div>
  </section>
);

/** What to do about it. */
function adviceOn(errorClass: string | null): string | null {
  const known = ERROR_CLASSES.find((name) => name === errorClass);
  return known === undefined ? null : ADVICE[known];
}

const SubjectGone: FC<{ ticket: TicketDetail }> = ({ ticket }) => (
  <span class="muted">{ticket.textRemovedAt === null ? 'Subject not known yet' : 'Text removed'}</span>
);
