import type { FC } from 'hono/jsx';
import { ADVICE } from '../../core/advice.ts';
import { isOver } from '../../core/batch.ts';
import type { BatchProgress } from '../../core/service-control.ts';
import { BatchBar, BatchLegend, progressWords } from './batch-bar.tsx';
import { canaryVerdict, etaWords, LANE_WORDS, STATE_TONE } from './batch-words.ts';
import { Action, Ago, Card, Chip, Facts, Live, Moment, Name, Table, address } from './components.tsx';
import { filterWords } from './filter-words.ts';
import type { Visit } from './page.tsx';
import { Shown } from './shown.tsx';
import { ticketPath } from './ticket-view.tsx';
import { count, dollars } from './words.ts';

interface BatchViewProps {
  readonly batch: BatchProgress;
  readonly visit: Visit;
  /** Why what was asked for could not be done. */
  readonly problem: string | null;
}

/** One batch, live. */
export const BatchView: FC<BatchViewProps> = ({ batch, visit, problem }) => (
  <>
    {problem !== null && (
      <p class="flash bad" role="alert">
        {problem}
      </p>
    )}
    <Live id="batch">
      <State batch={batch} visit={visit} />
      <Errors batch={batch} visit={visit} />
      <About batch={batch} visit={visit} />
    </Live>
    {visit.canChange && batch.post === 'hold' && <Release batch={batch} />}
  </>
);

type Parts = Omit<BatchViewProps, 'problem'>;

const State: FC<Parts> = ({ batch, visit }) => {
  const { counts, total, state } = batch;
  const canary = canaryVerdict(batch);
  return (
    <section class="card">
      <h2>
        <Chip tone={STATE_TONE[state]}>{state}</Chip> {progressWords(batch)}
      </h2>
      <BatchBar counts={counts} total={total} />
      <BatchLegend counts={counts} href={(status) => address('/tickets', { batch: batch.id, status })} />
      {batch.waitingFor.length > 0 && (
        <p>
          {state === 'paused' ? 'It stands still: ' : 'It waits for: '}
          <Shown text={batch.waitingFor.join(' · ').replace(/^paused: /, '')} />
        </p>
      )}
      {canary !== null && (
        <p>
          <strong>Canary.</strong> {canary}.
        </p>
      )}
      <Facts
        of={[
          ['Time left', etaWords(batch)],
          ['Rate', `${batch.ratePerMinute.toLocaleString('en')} a minute`],
          ['Failed', `${batch.failed.toLocaleString('en')} (${percent(batch.errorRate)})`],
          ['Spent', dollars(batch.spent.costUsd)],
          ['Forecast', batch.spent.forecastUsd === null ? 'not known yet' : dollars(batch.spent.forecastUsd)],
          ['Cap', batch.budgetUsd === null ? 'none' : dollars(batch.budgetUsd)],
        ]}
      />
      <div class="row actions">
        {visit.canChange && <Actions batch={batch} />}
        <a href={address('/tickets', { batch: batch.id })}>Its tickets</a>
        <a href={`/batches/${batch.id}/results.ndjson`} download={`${batch.id}.ndjson`}>
          Results (NDJSON)
        </a>
      </div>
    </section>
  );
};

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

const Actions: FC<{ batch: BatchProgress }> = ({ batch }) => {
  const { id, state, counts } = batch;
  const path = `/batches/${id}`;
  const ended = counts.dead + counts.cancelled;
  return (
    <>
      {(state === 'running' || state === 'canary') && (
        <Action to={`${path}/pause`} label="Pause" about="this batch" kind="quiet" />
      )}
      {(state === 'paused' || state === 'cancelled') && (
        <Action to={`${path}/resume`} label="Resume" about="this batch" />
      )}
      {ended > 0 && state !== 'cancelling' && (
        <Action to={`${path}/retry`} label={`Retry ${count(ended, 'ticket')}`} about="dead or cancelled" kind="quiet" />
      )}
      {!isOver(batch) && state !== 'cancelling' && (
        <Action
          to={`${path}/cancel`}
          label="Cancel"
          about="this batch"
          kind="danger"
          confirm="Cancel this batch? Calls in flight are aborted; notes that were posted stay."
        />
      )}
    </>
  );
};

const Errors: FC<Parts> = ({ batch, visit }) =>
  batch.errors.length === 0 ? null : (
    <Card title="What goes wrong">
      <Table
        caption="Errors by class"
        columns={['Class', 'Tickets', 'Example', 'What to do']}
        rows={batch.errors.map(({ errorClass, count: tickets, example }) => [
          <Name of={errorClass} />,
          tickets.toLocaleString('en'),
          <div>
            <a href={ticketPath({ helpdesk: batch.helpdesk, ticketId: example.ticketId })}>{example.ticketId}</a>{' '}
            {example.error !== null && <Shown text={example.error} />}
          </div>,
          <div>
            <p>{ADVICE[errorClass]}</p>
            {visit.canChange && (
              <Action
                to={`/batches/${batch.id}/retry`}
                label="Retry"
                about={`the dead tickets of class ${errorClass}`}
                kind="quiet"
                fields={{ errorClass }}
              />
            )}
          </div>,
        ])}
      />
    </Card>
  );

const About: FC<Parts> = ({ batch, visit }) => (
  <Card title="How it was started">
    <Facts
      of={[
        ['Helpdesk', batch.helpdesk],
        ['Started', <Ago at={batch.createdAt} now={visit.now} />],
        ...(batch.finishedAt === null ? [] : [['Ended', <Moment at={batch.finishedAt} />] as const]),
        ['Notes', batch.post === 'hold' ? 'held until released' : 'posted at once'],
        ['Lane', LANE_WORDS[batch.lane]],
        ['Tickets', batch.filter === null ? 'by their ids' : <Shown text={filterWords(batch.filter)} />],
        ...(batch.skippedDrafted === 0
          ? []
          : [['Left out', `${count(batch.skippedDrafted, 'ticket')} with a current draft`] as const]),
        [
          'Tokens',
          `${batch.spent.promptTokens.toLocaleString('en')} in, ${batch.spent.completionTokens.toLocaleString('en')} out`,
        ],
        ['Id', <code>{batch.id}</code>],
      ]}
    />
  </Card>
);

const Release: FC<{ batch: BatchProgress }> = ({ batch }) => (
  <Card title="Release held drafts">
    <form method="post" action={`/batches/${batch.id}/release`}>
      <label for="minConfidence">From a confidence of (%)</label>
      <input id="minConfidence" name="minConfidence" type="number" min="0" max="100" step="1" aria-describedby="held" />
      <p class="hint" id="held">
        Empty: all that are held when you press the button are posted as private notes.
      </p>
      <p>
        <button type="submit">Release</button>
      </p>
    </form>
  </Card>
);
