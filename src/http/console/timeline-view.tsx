import type { FC } from 'hono/jsx';
import type { TicketRound, TicketStory } from '../../core/ticket-story.ts';
import { Duration, Moment } from './components.tsx';
import { Shown } from './shown.tsx';
import { type TimelineEntry, timelineOf } from './timeline.ts';
import { duration } from './words.ts';

/** A trace's id, leading to the trace where NOTE_TRACE_LINK says where that is. */
export const Trace: FC<{ id: string; url: string | null }> = ({ id, url }) =>
  url === null ? (
    <code>{id}</code>
  ) : (
    <a href={url} rel="noreferrer noopener" target="_blank">
      <code>{id}</code>
    </a>
  );

interface RoundProps {
  readonly round: TicketRound;
  readonly newest: boolean;
  readonly story: TicketStory;
  readonly traceUrl: (traceId: string) => string | null;
}

/** One round of work, line by line. */
export const Round: FC<RoundProps> = ({ round, newest, story, traceUrl }) => (
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
