import type { FC } from 'hono/jsx';
import { ADVICE } from '../../core/advice.ts';
import { ERROR_CLASSES } from '../../core/errors.ts';
import { buildNote } from '../../core/note.ts';
import type { TicketDetail } from '../../core/ticket.ts';
import type { DraftVersion, TicketRound, TicketStory } from '../../core/ticket-story.ts';
import { Action, Ago, Card, Chip, Duration, Empty, Facts, Live, Moment, StatusChip } from './components.tsx';
import { DraftChanges } from './draft-changes.tsx';
import { NoteView } from './note-view.tsx';
import type { Visit } from './page.tsx';
import { Shown } from './shown.tsx';
import { type TimelineEntry, timelineOf } from './timeline.ts';
import { count, dollars, duration } from './words.ts';

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

const Summary: FC<Parts> = ({ ticket, visit, url, traceUrl }) => (
  <section class="card">
    <h2>{ticket.subject === null ? <SubjectGone ticket={ticket} /> : <Shown text={ticket.subject} />}</h2>
    <Facts
      of={[
        ['Status', <StatusChip status={ticket.status} />],
        ...(ticket.reason === null || ticket.reason === ticket.errorClass ? [] : [['Reason', ticket.reason] as const]),
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

const Trace: FC<{ id: string; url: string | null }> = ({ id, url }) =>
  url === null ? (
    <code>{id}</code>
  ) : (
    <a href={url} rel="noreferrer noopener" target="_blank">
      <code>{id}</code>
    </a>
  );

const NewestDraft: FC<Parts> = ({ ticket, story }) => {
  const draft = story.drafts.at(-1);
  if (draft === undefined) {
    return (
      <Card title="Draft">
        <Empty title={ticket.textRemovedAt === null ? 'There is no draft.' : 'Its text has been removed.'}>
          {ticket.textRemovedAt !== null && (
            <p>
              On <Moment at={ticket.textRemovedAt} />: RETENTION_DAYS were over, or the requester was erased.
            </p>
          )}
        </Empty>
      </Card>
    );
  }
  const { roundId, body, model, promptTokens, completionTokens, costUsd, version, sources } = draft;
  const marker = story.rounds.find(({ id }) => id === roundId)?.marker ?? '';
  const note = buildNote({ draft, marker, replaces: replacedBy(draft, story.rounds) });
  return (
    <Card title={body === null ? 'Finding, as the agent sees it' : 'Draft, as the agent sees it'}>
      <NoteView note={note} />
      <Facts
        of={[
          ['Version', version],
          ['Model', model],
          ['Tokens', `${count(promptTokens, 'in', 'in')}, ${count(completionTokens, 'out', 'out')}`],
          ['Cost', costUsd === null ? 'price not known' : dollars(costUsd)],
        ]}
      />
      <Sources sources={sources} />
    </Card>
  );
};

/** The marker of the note that stood there when this draft was made. */
function replacedBy({ roundId }: DraftVersion, rounds: readonly TicketRound[]): string | null {
  const at = rounds.findIndex(({ id }) => id === roundId);
  return rounds.slice(0, Math.max(0, at)).findLast(({ noteId }) => noteId !== null)?.marker ?? null;
}

const Sources: FC<{ sources: DraftVersion['sources'] }> = ({ sources }) =>
  sources.length === 0 ? null : (
    <>
      <h3>Sources</h3>
      <ul>
        {sources.map(({ kind, title, url, quote }) => (
          <li>
            {kind}:{' '}
            {url !== null && /^https?:\/\//.test(url) ? (
              <a href={url} rel="noreferrer noopener" target="_blank">
                <Shown text={title} />
              </a>
            ) : (
              <Shown text={title} />
            )}
            {quote !== '' && (
              <blockquote>
                <Shown text={quote} />
              </blockquote>
            )}
          </li>
        ))}
      </ul>
    </>
  );

const Round: FC<Parts & { round: TicketRound; newest: boolean }> = ({ round, newest, story, traceUrl }) => (
  <section>
    {story.rounds.length > 1 && (
      <h3>
        {newest ? 'Newest round of work' : 'Earlier round'}, <Moment at={round.createdAt} />
      </h3>
    )}
    <ol class="timeline">
      {timelineOf(round, story.drafts).map((entry) => (
        <Entry entry={entry} since={round.createdAt} />
      ))}
    </ol>
    <p class="muted">
      Trace <Trace id={round.traceId} url={traceUrl(round.traceId)} />
    </p>
  </section>
);

/** How long after the round began. */
const Later: FC<{ at: number; since: number }> = ({ at, since }) => {
  const moment = new Date(at).toISOString();
  return (
    <time datetime={moment} title={moment}>
      + {duration(at - since)}
    </time>
  );
};

/** `since`: when the round began, epoch ms. */
const Entry: FC<{ entry: TimelineEntry; since: number }> = ({ entry, since }) => (
  <li class={entry.tone}>
    {entry.at <= since ? <Moment at={entry.at} /> : <Later at={entry.at} since={since} />}
    <div>
      <strong>{entry.title}</strong>
      {entry.durationMs !== null && (
        <>
          {' '}
          in <Duration ms={entry.durationMs} />
        </>
      )}
      {entry.batchId !== null && (
        <>
          : <a href={`/batches/${entry.batchId}`}>to the batch</a>
        </>
      )}
      {entry.waited !== null && (
        <p class="muted">
          Waited <Duration ms={entry.waited.ms} /> {entry.waited.where}
        </p>
      )}
      {entry.errorClass !== null && (
        <p>
          <code>{entry.errorClass}</code>
        </p>
      )}
      {entry.details.map((line) => (
        <p>
          <Shown text={line} />
        </p>
      ))}
    </div>
  </li>
);
