import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api';
import type { Progress } from '../core/service-control.ts';
import type { TicketReader } from '../core/ticket-reader.ts';
import { GEN_AI, MESSAGING, OURS, OUTBOX } from './names.ts';

/** What is looked at when somebody asks. */
export interface GaugeSources {
  readonly progress: () => Progress;
  readonly reader: Pick<TicketReader, 'batches'>;
  /** In flight and waiting at each model's limit. */
  readonly models: () => readonly { readonly model: string; readonly inFlight: number; readonly waiting: number }[];
  /** Of this process: CPU time in seconds, user and system together. */
  readonly cpuSeconds: () => number;
  readonly rssBytes: () => number;
}

type Reading = readonly [value: number, labels: Attributes];

/** States rather than events: read when metrics are collected, from one look at the service's progress. */
export function addGauges(meter: Meter, sources: GaugeSources): () => void {
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description });
  const tickets = gauge('draftdesk.outbox.tickets', '{ticket}', 'Tickets by status.');
  const oldest = gauge('draftdesk.outbox.oldest.age', 's', 'How long the oldest waiting ticket has waited.');
  const workers = gauge('draftdesk.workers', '{worker}', 'Workers, busy and idle.');
  const paused = gauge('draftdesk.paused', '{scope}', '1 while work of this scope stands still.');
  const limit = gauge('draftdesk.limiter.limit', '{unit}', 'What a minute may have of a limit.');
  const used = gauge('draftdesk.limiter.used', '{unit}', 'What the last minute had of it.');
  const inFlight = gauge('draftdesk.limiter.in_flight', '{request}', 'Calls to a model under way.');
  const waiting = gauge('draftdesk.limiter.waiting', '{request}', 'Calls that wait for their turn at a model.');
  const active = gauge('draftdesk.batch.active', '{batch}', 'Batches that are not over.');
  const pending = gauge('draftdesk.batch.pending', '{item}', 'Their tickets that have not come to rest.');
  const rss = gauge('process.memory.usage', 'By', 'Resident memory.');
  const cpu = meter.createObservableCounter('process.cpu.time', { unit: 's', description: 'CPU time used.' });

  const read = (result: BatchObservableResult): void => {
    const tell = (of: Parameters<typeof result.observe>[0], readings: readonly Reading[]): void =>
      readings.forEach(([value, labels]) => result.observe(of, value, labels));
    const progress = sources.progress();
    tell(
      tickets,
      Object.entries(progress.counts).map(([status, count]) => [count, { [OURS.status]: status }]),
    );
    tell(oldest, [[progress.oldestQueuedSeconds, { [MESSAGING.destination]: OUTBOX[MESSAGING.destination] }]]);
    const { busy, total } = progress.workers;
    tell(workers, [
      [busy, { state: 'busy' }],
      [total - busy, { state: 'idle' }],
    ]);
    const scopes = new Set(progress.pauses.map(({ scope }) => scope));
    tell(
      paused,
      ['all', ...Object.keys(progress.limits), ...scopes].map((scope) => [scopes.has(scope) ? 1 : 0, { scope }]),
    );
    const limits = Object.entries(progress.limits).flatMap(([name, of]) => budgetsOf(name, of));
    tell(
      limit,
      limits.map(({ name, allowed }) => [allowed, { [OURS.limit]: name }]),
    );
    tell(
      used,
      limits.map(({ name, taken }) => [taken, { [OURS.limit]: name }]),
    );
    const models = sources.models();
    tell(
      inFlight,
      models.map((model) => [model.inFlight, { [GEN_AI.requestModel]: model.model }]),
    );
    tell(
      waiting,
      models.map((model) => [model.waiting, { [GEN_AI.requestModel]: model.model }]),
    );
    const open = sources.reader.batches(100).items.filter(({ state }) => !['completed', 'cancelled'].includes(state));
    tell(active, [[open.length, {}]]);
    const left = open.map(({ counts }) => counts.queued + counts.drafting + counts.retrying + counts.posting);
    tell(pending, [[left.reduce((sum, count) => sum + count, 0), {}]]);
    tell(rss, [[sources.rssBytes(), {}]]);
    tell(cpu, [[sources.cpuSeconds(), {}]]);
  };
  const all = [tickets, oldest, workers, paused, limit, used, inFlight, waiting, active, pending, rss, cpu];
  meter.addBatchObservableCallback(read, all);
  return () => meter.removeBatchObservableCallback(read, all);
}

interface Budget {
  readonly name: string;
  readonly allowed: number;
  readonly taken: number;
}

function budgetsOf(name: string, limits: Progress['limits'][string]): Budget[] {
  const requests = { name: `${name}.requests`, allowed: limits.requestsPerMinute, taken: limits.usedRequests };
  if ('tokensPerMinute' in limits)
    return [requests, { name: `${name}.tokens`, allowed: limits.tokensPerMinute, taken: limits.usedTokens }];
  const { updatesPerMinute, usedUpdates = 0 } = limits;
  return updatesPerMinute === undefined
    ? [requests]
    : [requests, { name: `${name}.updates`, allowed: updatesPerMinute, taken: usedUpdates }];
}
