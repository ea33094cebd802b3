import type { Meter } from '@opentelemetry/api';

/** Bucket limits in seconds. OpenTelemetry's own are made for milliseconds: up to 5 s all would be in one (B4). */
const QUICK = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CALLS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160];
const ITEMS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1800, 3600];
const WAITS = [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160];
const BATCHES = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400];
/** Those that the GenAI conventions advise. */
const LLM_CALLS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

/** Everything that is counted while it happens. Labels are names out of few: never an id. docs/metrics.md lists all. */
export type Instruments = ReturnType<typeof createInstruments>;

export function createInstruments(meter: Meter) {
  const histogram = (name: string, unit: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries } });
  const counter = (name: string, unit: string, description: string) => meter.createCounter(name, { unit, description });
  return {
    llmCalls: histogram('gen_ai.client.operation.duration', 's', 'Calls to the LLM.', LLM_CALLS),
    llmTokens: histogram('gen_ai.client.token.usage', '{token}', 'Tokens of one call to the LLM.', TOKENS),
    llmCost: counter('draftdesk.llm.cost', 'USD', 'What calls to the LLM have cost, where the price is known.'),
    llmRetries: counter('draftdesk.llm.retries', '{retry}', 'Drafts that have to be tried again.'),
    requests: histogram('http.server.request.duration', 's', 'Requests to this service.', QUICK),
    activeRequests: meter.createUpDownCounter('http.server.active_requests', {
      unit: '{request}',
      description: 'Requests under way.',
    }),
    calls: histogram('http.client.request.duration', 's', 'Calls to helpdesks and the LLM.', CALLS),
    attempts: histogram('messaging.process.duration', 's', 'Tries of a stage, from claim to report.', CALLS),
    consumed: counter('messaging.client.consumed.messages', '{message}', 'Tries of a stage that have begun.'),
    sent: counter('messaging.client.sent.messages', '{message}', 'Webhooks whose work was stored.'),
    queueWait: histogram('draftdesk.queue.wait.duration', 's', 'Due, until a worker took it.', ITEMS),
    limiterWait: histogram('draftdesk.limiter.wait.duration', 's', 'Calls that wait so that a limit is kept.', WAITS),
    webhooks: counter('draftdesk.webhooks', '{webhook}', 'Webhooks answered.'),
    tickets: counter('draftdesk.tickets', '{ticket}', 'Tickets that have come to rest.'),
    ruled: counter('draftdesk.rules', '{ticket}', 'Tickets that rules have decided about.'),
    ticketTime: histogram('draftdesk.ticket.duration', 's', 'From the webhook (or batch) to rest.', ITEMS),
    items: counter('draftdesk.batch.items', '{item}', 'Tickets of batches that have come to rest.'),
    itemTime: histogram('draftdesk.batch.item.duration', 's', 'The same, from the start of the batch.', ITEMS),
    batches: histogram('draftdesk.batch.duration', 's', 'Batches, from their start to their end.', BATCHES),
    missed: counter('draftdesk.sweep.found', '{ticket}', 'Tickets whose webhook never came.'),
    alarms: counter('draftdesk.alarms', '{alarm}', 'Things that a person must look at.'),
    faults: counter('draftdesk.faults', '{fault}', 'Faults of our own.'),
  };
}
