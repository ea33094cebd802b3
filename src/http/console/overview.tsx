import type { Child, FC } from 'hono/jsx';
import type { Clock } from '../../core/clock.ts';
import type { ErrorClass } from '../../core/errors.ts';
import type { History, HistoryMinute } from '../../core/history.ts';
import type { Progress, ServiceControl } from '../../core/service-control.ts';
import { utcDay } from '../../core/spend-guard.ts';
import { TICKET_STATUSES } from '../../core/ticket.ts';
import { type BatchSummary, countPending, type Failing, type TicketReader } from '../../core/ticket-reader.ts';
import { isOver } from '../../core/batch.ts';
import { address, Card, Chip, Empty, Live, Meter, Name, StatusChip, Table } from './components.tsx';
import { Limits, type Money } from './limits.tsx';
import type { Pages } from './page.tsx';
import { Bars, Lines } from './plot.tsx';
import { count, dollars, duration } from './words.ts';

export interface OverviewDeps {
  readonly control: ServiceControl;
  readonly reader: TicketReader;
  readonly history: History;
  readonly clock: Clock;
  readonly helpdesks: ReadonlyMap<string, unknown>;
  /** USD; null: no bound. */
  readonly dailyBudgetUsd: number | null;
}

/** Batches looked through for those that are not over. */
const BATCHES = 50;

/** How the work goes, and the two buttons that stop it and let it go on. */
export function addOverview(pages: Pages, deps: OverviewDeps): void {
  const { control, reader, history, clock } = deps;
  pages.page('/', () => {
    const progress = control.progress();
    const minutes = history.minutes();
    const failing = reader.failing();
    const batches = reader.batches(BATCHES).items.filter((batch) => !isOver(batch));
    const spentUsd = reader.spentOn(utcDay(clock.now()), '');
    return {
      title: 'Overview',
      section: 'Overview',
      body: (
        <>
          <Live id="figures">
            {progress.total === 0 && <FirstTicket helpdesks={[...deps.helpdesks.keys()]} />}
            <Figures progress={progress} spentUsd={spentUsd} budgetUsd={deps.dailyBudgetUsd} />
          </Live>
          <Live id="plots">
            <Plots minutes={minutes} />
          </Live>
          <Live id="details">
            <div class="grid details">
              <Statuses progress={progress} />
              <Limits progress={progress} spentUsd={spentUsd} budgetUsd={deps.dailyBudgetUsd} />
              <div>
                <Errors failing={failing} minutes={minutes} />
                <RunningBatches batches={batches} />
              </div>
            </div>
          </Live>
        </>
      ),
    };
  });
  pages.action('/pause', async () => {
    await control.pause();
    return { to: '/', say: 'Paused. What is in flight finishes; nothing new is taken.' };
  });
  pages.action('/resume', async () => {
    await control.resume();
    return { to: '/', say: 'Resumed.' };
  });
}

const FirstTicket: FC<{ helpdesks: readonly string[] }> = ({ helpdesks }) => (
  <Card title="No ticket has come yet">
    <p>
      Let your helpdesk send its webhooks to{' '}
      {helpdesks.map((name, index) => (
        <>
          {index > 0 && ' or '}
          <code>/webhooks/{name}</code>
        </>
      ))}{' '}
      at this address (the README shows each step), or <a href="/batches/new">start a batch</a> with tickets that are
      there already. Whether the credentials work stands in the <a href="/settings">settings</a>.
    </p>
  </Card>
);

const Figures: FC<Money & { progress: Progress }> = ({ progress, spentUsd, budgetUsd }) => {
  const { counts, ratePerMinute, etaSeconds, oldestQueuedSeconds } = progress;
  const waiting = countPending(counts);
  const figures: readonly (readonly [name: string, value: string, note: Child])[] = [
    ['In work or waiting', waiting.toLocaleString('en'), etaText(waiting, etaSeconds)],
    ['Finished per minute', ratePerMinute.toLocaleString('en'), 'at the pace of the last minute'],
    [
      'Oldest waiting',
      oldestQueuedSeconds === 0 ? '–' : duration(oldestQueuedSeconds * 1000),
      oldestQueuedSeconds === 0 ? 'nobody waits' : <a href="/tickets?status=queued">see who waits</a>,
    ],
    [
      'Notes posted',
      (counts.posted + counts.accepted + counts.edited + counts.discarded).toLocaleString('en'),
      'of all tickets known',
    ],
    [
      'Dead',
      counts.dead.toLocaleString('en'),
      counts.dead === 0 ? 'nothing to mend' : <a href="/dead-letters">what to do</a>,
    ],
    [
      'LLM today',
      dollars(spentUsd),
      budgetUsd === null ? 'no daily budget is set' : `of ${dollars(budgetUsd)} a day (UTC)`,
    ],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value, note]) => (
        <div>
          <dt>{name}</dt>
          <dd>
            {value}
            <small>{note}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
};

function etaText(waiting: number, etaSeconds: number | null): string {
  if (waiting === 0) return 'all done';
  return etaSeconds === null ? 'nothing moves now' : `about ${duration(etaSeconds * 1000)} left`;
}

const Plots: FC<{ minutes: readonly HistoryMinute[] }> = ({ minutes }) => {
  const finished = minutes.reduce((sum, minute) => sum + minute.finished, 0);
  const dead = minutes.reduce((sum, minute) => sum + minute.dead, 0);
  const newest = minutes.findLast(({ p95Ms }) => p95Ms !== null);
  return (
    <div class="grid">
      <Card title="Finished tickets, each minute">
        <Bars
          id="throughput-table"
          label={`Tickets finished in each of the last 60 minutes: ${finished} finished, ${dead} dead`}
          series={['finished', 'dead']}
          values={minutes.map((minute) => [minute.finished, minute.dead])}
          format={(value) => count(value, 'ticket')}
        />
      </Card>
      <Card title="From the webhook to the note">
        <Lines
          id="latency-table"
          label={latencyLabel(newest)}
          series={['half of the notes within', '95 % within']}
          values={minutes.map(({ p50Ms, p95Ms }) => [p50Ms, p95Ms])}
          format={duration}
        />
      </Card>
    </div>
  );
};

function latencyLabel(newest: HistoryMinute | undefined): string {
  if (newest === undefined) return 'Time to the note over the last 60 minutes: no note was posted';
  return `Time to the note over the last 60 minutes; in the newest one with a note half within ${duration(newest.p50Ms ?? 0)}, 95 % within ${duration(newest.p95Ms ?? 0)}`;
}

const Statuses: FC<{ progress: Progress }> = ({ progress: { counts, total } }) => (
  <Card title="Tickets by status">
    <Table
      small
      caption="Tickets by status"
      columns={['Status', 'Tickets']}
      rows={[
        ...TICKET_STATUSES.filter((status) => counts[status] > 0).map((status) => [
          <a href={address('/tickets', { status })}>
            <StatusChip status={status} />
          </a>,
          counts[status].toLocaleString('en'),
        ]),
        ['all', total.toLocaleString('en')],
      ]}
    />
  </Card>
);

const Errors: FC<{ failing: readonly Failing[]; minutes: readonly HistoryMinute[] }> = ({ failing, minutes }) => {
  const lastHour = new Map<ErrorClass, number>();
  for (const { errors } of minutes) {
    for (const [errorClass, n] of errors) lastHour.set(errorClass, (lastHour.get(errorClass) ?? 0) + n);
  }
  const now = new Map(failing.map((row) => [row.errorClass, row]));
  const classes = [...new Set([...now.keys(), ...lastHour.keys()])];
  return (
    <Card title="Errors by class">
      {classes.length === 0 ? (
        <Empty title="No try has failed in the last hour." />
      ) : (
        <Table
          small
          caption="Errors by class"
          columns={['Class', 'Last hour', 'Retrying', 'Dead']}
          rows={classes.map((errorClass) => [
            <Name of={errorClass} />,
            (lastHour.get(errorClass) ?? 0).toLocaleString('en'),
            (now.get(errorClass)?.retrying ?? 0).toLocaleString('en'),
            <DeadLink errorClass={errorClass} n={now.get(errorClass)?.dead ?? 0} />,
          ])}
        />
      )}
    </Card>
  );
};

const DeadLink: FC<{ errorClass: ErrorClass; n: number }> = ({ errorClass, n }) =>
  n === 0 ? <>0</> : <a href={address('/dead-letters', { class: errorClass })}>{n.toLocaleString('en')}</a>;

const RunningBatches: FC<{ batches: readonly BatchSummary[] }> = ({ batches }) => (
  <Card title="Batches that are not over">
    {batches.length === 0 ? (
      <Empty title="No batch runs.">
        <p>
          <a href="/batches/new">Start one</a> with the tickets of a list or a filter.
        </p>
      </Empty>
    ) : (
      batches.map(({ id, name, state, total, counts, reason }) => (
        <Meter
          label={
            <>
              <a href={`/batches/${id}`}>{name ?? `Batch ${id.slice(0, 8)}`}</a>{' '}
              <Chip tone={state === 'paused' ? 'wait' : 'busy'}>{state}</Chip> {reason}
            </>
          }
          used={total - countPending(counts)}
          of={total}
        />
      ))
    )}
  </Card>
);
