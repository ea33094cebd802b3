import { type Clock, type Random, seededRandom, systemClock } from '../core/clock.ts';
import type { Progress } from '../core/service-control.ts';
import { isFinal, type TicketStatus } from '../core/ticket.ts';
import type { FaultProfile } from '../sandbox/faults.ts';
import { fillKnowledge } from '../sandbox/fill-knowledge.ts';
import { createFreshdeskSimulator } from '../sandbox/freshdesk.ts';
import type { HelpdeskSimulator } from '../sandbox/helpdesk-simulator.ts';
import { createLlmSimulator, type LlmSimulator } from '../sandbox/openai.ts';
import { listen, type ListeningServer } from '../sandbox/server.ts';
import type { SampleTicket } from '../sandbox/tickets.ts';
import { createZendeskSimulator } from '../sandbox/zendesk.ts';
import { EXIT } from './command-error.ts';
import { createKills, type Kills } from './sandbox-kills.ts';
import { countGrounded, learnFromAccount } from './sandbox-knowledge.ts';
import { type Case, judge, type Listed } from './sandbox-verdict.ts';
import { createProgressView } from './progress-view.ts';
import { type SandboxService, startSandboxService } from './sandbox-service.ts';
import { jsonLine } from './shown.ts';
import { printSummary, type SandboxSummary, toPicture } from './sandbox-view.ts';

export interface SandboxRun {
  readonly tickets: readonly SampleTicket[];
  readonly helpdesk: 'zendesk' | 'freshdesk';
  readonly faults: FaultProfile;
  readonly keep: boolean;
  /** The account has a help centre and solved tickets of its own: those of the sample tickets' shop. */
  readonly helpCentre: boolean;
  /** One batch instead of webhooks. */
  readonly batch: boolean;
  readonly vendorLimits: boolean;
  /** SIGKILLs of the service in the drain. */
  readonly kills: number;
  readonly seed: number;
  /** The summary alone, for programs. */
  readonly json: boolean;
}

/** Enough to see the limiter work, fast enough for 200 tickets in well under 20 s. */
const LLM_REQUESTS_PER_MINUTE = 2400;
const LLM_TOKENS_PER_MINUTE = 8_000_000;
const LLM_LATENCY_MS = 350;
/** So that an overworked test does not wait like a patient service does. */
const TIMEOUT_MS = 2000;
const WORKERS = 24;
/** Tickets handed in per step, and the pause between steps, ms: a flood, but one that sockets can carry. */
const FLOOD_STEP = 20;
const FLOOD_PAUSE_MS = 15;
const LOOK_EVERY_MS = 200;
/** Ids that one batch takes. */
const BATCH_MAX = 10_000;
/** Without any ticket finished for so long the run is given up, ms: longer than an outage is waited out between two probes. */
const STUCK_MS = 300_000;

/** Runs everything, prints the table, answers the exit code: 0 only if every ticket reached its expected end. */
export async function runSandbox(run: SandboxRun): Promise<number> {
  // from the first moment: whoever interrupts us must not leave a service behind
  const interruption = interrupted();
  const clock = systemClock();
  const random = seededRandom(run.seed);
  const llm = createLlmSimulator({
    clock,
    random,
    faults: run.faults,
    requestsPerMinute: LLM_REQUESTS_PER_MINUTE,
    tokensPerMinute: LLM_TOKENS_PER_MINUTE,
    burstSeconds: 1,
    latencyMs: LLM_LATENCY_MS,
  });
  const helpdesk = createHelpdesk(run, clock, random);
  const servers = await Promise.all([listen(llm.fetch), listen(helpdesk.simulator.fetch)]);
  const [llmServer, helpdeskServer] = servers;
  if (run.helpCentre) fillKnowledge(helpdesk.simulator, helpdeskServer.url);
  const service = await startSandboxService({
    ...commonSettings(run, llm, llmServer),
    ...helpdesk.settings(helpdeskServer.url),
    ...(run.vendorLimits ? {} : helpdesk.liftedLimits),
  });
  const say = (text: string): void => void (run.json ? process.stderr : process.stdout).write(text);
  say(
    `\n  ${run.tickets.length} tickets through a simulated ${run.helpdesk} and a simulated LLM · service at ${service.url}\n\n`,
  );
  if (run.batch || run.keep) say(`${howToReach(service)}\n`);
  try {
    const driving = drive(run, { clock, llm, simulator: helpdesk.simulator, service });
    const summary = await Promise.race([driving, interruption]);
    if (summary === null) {
      // the service is stopped under it now
      driving.catch(() => undefined);
      say('\n  interrupted\n');
      return EXIT.interrupted;
    }
    if (run.json) process.stdout.write(jsonLine(summary));
    else printSummary(process.stdout, summary);
    if (run.keep) {
      say(
        `\n  The service stays up until Ctrl-C. Its console, with the token below: ${service.url}\n${howToReach(service)}`,
      );
      await interruption;
    }
    return summary.surprises.length === 0 ? 0 : EXIT.failed;
  } finally {
    helpdesk.simulator.disconnect();
    await service.stop();
    await Promise.all(servers.map((server: ListeningServer) => server.close()));
  }
}

interface Stage {
  readonly clock: Clock;
  readonly llm: LlmSimulator;
  readonly simulator: HelpdeskSimulator;
  readonly service: SandboxService;
}

async function drive(run: SandboxRun, { clock, llm, simulator, service }: Stage): Promise<SandboxSummary> {
  if (run.helpCentre) await learnFromAccount(service, clock);
  if (!run.batch) simulator.connect({ url: `${service.url}/webhooks/${simulator.name}`, fetch });
  const created = run.batch ? await handIn(run.tickets, simulator, clock) : null;
  const startedAt = clock.steady();
  const handingIn = created === null ? handIn(run.tickets, simulator, clock) : startBatch(created, simulator, service);
  const delivered = handingIn.then(() => simulator.idle());
  const kills = createKills({ count: run.kills, tickets: run.tickets.length, ready: delivered, service, clock });
  const progress = await follow(run, { service, clock, kills, startedAt });
  const seconds = (clock.steady() - startedAt) / 1000;
  const cases = await handingIn;
  const listed = await listTickets(service);
  return {
    helpdesk: simulator.name,
    tickets: cases.length,
    outcomes: tally(cases, listed),
    seconds,
    latencyP50Ms: quantile(service.postedMs, 0.5),
    latencyP95Ms: quantile(service.postedMs, 0.95),
    progress: { ...progress, sinceStart: kills.totals(progress.sinceStart) },
    kills: kills.done(),
    faults: mergeCounts(llm.faults.injected, simulator.faults.injected),
    grounded: countGrounded(
      cases.map(({ ticketId }) => ticketId),
      simulator,
    ),
    rateLimited: llm.stats().rateLimited + simulator.stats().rateLimited,
    ...judge(cases, listed, simulator, { chaos: run.faults === 'chaos' }),
  };
}

/** Creates the tickets at the simulated helpdesk, which sends their webhooks. */
async function handIn(tickets: readonly SampleTicket[], simulator: HelpdeskSimulator, clock: Clock): Promise<Case[]> {
  const cases: Case[] = [];
  for (const sample of tickets) {
    const ticketId = simulator.addTicket(sample);
    if (sample.before === 'agentReply')
      simulator.agentReply(ticketId, '<p>Done, thank you for writing.</p>', { public: true });
    else if (sample.before !== undefined) simulator[sample.before](ticketId);
    cases.push({ sample, ticketId });
    if (cases.length % FLOOD_STEP === 0) await clock.sleep(FLOOD_PAUSE_MS);
  }
  return cases;
}

async function startBatch(cases: Case[], { name }: HelpdeskSimulator, service: SandboxService): Promise<Case[]> {
  const ticketIds = cases.map(({ ticketId }) => ticketId);
  for (let from = 0; from < ticketIds.length; from += BATCH_MAX) {
    await service.post('/admin/batches', { helpdesk: name, ticketIds: ticketIds.slice(from, from + BATCH_MAX) });
  }
  return cases;
}

interface Followed {
  readonly service: SandboxService;
  readonly clock: Clock;
  readonly kills: Kills;
  readonly startedAt: number;
}

/** Shows the progress until every ticket is in a final status, or nothing has moved for long. */
async function follow(run: SandboxRun, { service, clock, kills, startedAt }: Followed): Promise<Progress> {
  const total = run.tickets.length;
  const view = createProgressView(run.json ? process.stderr : process.stdout);
  let done = -1;
  let movedAt = clock.steady();
  for (;;) {
    const progress = await service.get<Progress>('/admin/progress');
    view.update(toPicture(progress, total), clock.steady() - startedAt);
    const now = Object.entries(progress.counts).reduce(
      (sum, [status, count]) => (isFinal(status as TicketStatus) ? sum + count : sum),
      0,
    );
    if (now !== done) movedAt = clock.steady();
    done = now;
    if (done >= total || clock.steady() - movedAt > STUCK_MS) {
      return progress;
    }
    await kills.maybe(done, progress.sinceStart);
    await clock.sleep(LOOK_EVERY_MS);
  }
}

async function listTickets(service: SandboxService): Promise<ReadonlyMap<string, Listed>> {
  const tickets = new Map<string, Listed>();
  let cursor = '';
  do {
    const page = await service.get<{ items: Listed[]; nextCursor: string | null }>(`/admin/tickets?limit=500${cursor}`);
    for (const ticket of page.items) tickets.set(ticket.ticketId, ticket);
    cursor = page.nextCursor === null ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`;
  } while (cursor !== '');
  return tickets;
}

function tally(cases: readonly Case[], listed: ReadonlyMap<string, Listed>): SandboxSummary['outcomes'] {
  const outcomes = new Map<string, { status: TicketStatus; reason: string | null; count: number }>();
  for (const { ticketId } of cases) {
    const ticket = listed.get(ticketId);
    if (ticket === undefined) continue;
    const reason = ticket.reason ?? ticket.errorClass;
    const key = `${ticket.status} ${reason}`;
    const outcome = outcomes.get(key) ?? { status: ticket.status, reason, count: 0 };
    outcome.count += 1;
    outcomes.set(key, outcome);
  }
  return [...outcomes.values()].toSorted((a, b) => b.count - a.count);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

function mergeCounts(...all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const merged: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) merged[name] = (merged[name] ?? 0) + count;
  }
  return merged;
}

interface SandboxHelpdesk {
  readonly simulator: HelpdeskSimulator;
  readonly settings: (url: string) => Readonly<Record<string, string>>;
  readonly liftedLimits: Readonly<Record<string, string>>;
}

const NO_LIMIT = '1000000';

function createHelpdesk(run: SandboxRun, clock: Clock, random: Random): SandboxHelpdesk {
  const options = {
    clock,
    random,
    faults: run.faults,
    limits: run.vendorLimits ? 'vendor' : 'lifted',
    lateCommitMs: TIMEOUT_MS + 1000,
    faultRetryAfterSeconds: 1,
  } as const;
  if (run.helpdesk === 'freshdesk') {
    const simulator = createFreshdeskSimulator(options);
    return {
      simulator,
      settings: (url) => ({
        FRESHDESK_BASE_URL: url,
        FRESHDESK_API_KEY: simulator.apiKey,
        FRESHDESK_WEBHOOK_TOKEN: simulator.webhookToken,
      }),
      liftedLimits: { FRESHDESK_REQUESTS_PER_MINUTE: NO_LIMIT },
    };
  }
  const simulator = createZendeskSimulator(options);
  return {
    simulator,
    settings: (url) => ({
      ZENDESK_BASE_URL: url,
      ZENDESK_OAUTH_CLIENT_ID: simulator.credentials.clientId,
      ZENDESK_OAUTH_CLIENT_SECRET: simulator.credentials.clientSecret,
      ZENDESK_WEBHOOK_SECRET: simulator.webhookSecret,
    }),
    liftedLimits: { ZENDESK_REQUESTS_PER_MINUTE: NO_LIMIT, ZENDESK_UPDATES_PER_MINUTE: NO_LIMIT },
  };
}

function commonSettings(run: SandboxRun, llm: LlmSimulator, server: ListeningServer): Readonly<Record<string, string>> {
  return {
    OPENAI_BASE_URL: `${server.url}/v1`,
    OPENAI_API_KEY: llm.apiKey,
    LLM_MODEL: llm.models[0] ?? '',
    LLM_REQUESTS_PER_MINUTE: String(LLM_REQUESTS_PER_MINUTE),
    LLM_TOKENS_PER_MINUTE: String(LLM_TOKENS_PER_MINUTE),
    LLM_TIMEOUT_MS: String(TIMEOUT_MS * 2),
    HELPDESK_TIMEOUT_MS: String(TIMEOUT_MS),
    AMBIGUOUS_POST_WAIT_MS: String(TIMEOUT_MS + 1500),
    RETRY_BASE_MS: '150',
    RETRY_MAX_MS: '3000',
    // heavy faults hit two of five tries; in chaos none of twenty thousand may die of bad luck
    MAX_ATTEMPTS: run.faults === 'chaos' ? '25' : '10',
    WORKER_CONCURRENCY: String(WORKERS),
  };
}

/** For the other terminal. */
function howToReach({ url, adminToken }: SandboxService): string {
  return `  In another terminal:\n    export DRAFTDESK_URL=${url} ADMIN_TOKEN=${adminToken}\n    npx draftdesk batch list\n`;
}

function interrupted(): Promise<null> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(null));
  });
}
