import { systemClock } from '../core/clock.ts';
import { describeFault, UpstreamError } from '../core/errors.ts';
import { CommandError } from './command-error.ts';
import { type ConnectJob, unhurried } from './connect-job.ts';
import { sendSample } from './connect-sample.ts';
import { connect, type ServiceClient, ServiceRefused, serviceUrl } from './service-client.ts';

export interface TestResult {
  readonly ticketId: string;
  readonly noteId: string;
  /** From making the ticket to reading its note. */
  readonly seconds: number;
  readonly removed: 'deleted' | 'solved';
}

const LOOK_EVERY_MS = 500;
const clock = systemClock();

/**
 * A test ticket's round trip: the helpdesk sends its webhook to the running service, which leaves a private note.
 * The ticket is removed whatever happens. Throws `CommandError` that names the step which failed.
 */
export async function testConnection(job: ConnectJob, secret: string): Promise<TestResult> {
  const { setup } = job.connection;
  const client = connect(job.env);
  await awaitService(job, secret);
  const startedAt = clock.steady();
  const ticketId = await setup.createTestTicket(unhurried).catch((error: unknown) => {
    throw refused(error, job);
  });
  job.say(`Test ticket ${ticketId} made`);
  let noteId: string;
  try {
    noteId = await awaitNote(job, client, ticketId);
  } catch (error) {
    await remove(job, ticketId).catch((also: unknown) => job.say(sentenceOf(also)));
    throw error;
  }
  const seconds = Math.round((clock.steady() - startedAt) / 100) / 10;
  job.say(`Private note ${noteId} is on it, after ${seconds} s`);
  return { ticketId, noteId, seconds, removed: await remove(job, ticketId) };
}

async function remove({ connection, say }: ConnectJob, ticketId: string): Promise<'deleted' | 'solved'> {
  const removed = await connection.setup.removeTestTicket(ticketId, unhurried).catch((error: unknown) => {
    const cause = sentenceOf(error).replace(/\.$/, '');
    throw new CommandError(`Test ticket ${ticketId} could not be removed (${cause}): delete it by hand.`);
  });
  say(`Test ticket ${ticketId} ${removed}; its made-up customer “Draftdesk Test” stays`);
  return removed;
}

/** The set-up stands by now: only its proof is missing. */
function refused(error: unknown, { helpdesk }: ConnectJob): CommandError {
  return new CommandError(
    `${helpdesk} takes no test ticket: ${sentenceOf(error)} Are there fields that every new ticket must have? The set-up ` +
      `is made; write a ticket as a customer and look with draftdesk status, or use --no-test.`,
  );
}

/** Ours hold no text of others; a fault of our own is told by its kind. */
function sentenceOf(error: unknown): string {
  return error instanceof CommandError || error instanceof UpstreamError ? error.message : describeFault(error);
}

/** Until the service runs with this secret: it may have to be started first. */
async function awaitService(job: ConnectJob, secret: string): Promise<void> {
  const url = `${serviceUrl(job.env)}/webhooks/${job.helpdesk}`;
  const until = clock.steady() + job.timeoutMs;
  let told = false;
  for (;;) {
    const answer = await sendSample(job.connection.setup, url, secret, clock);
    if (answer.ok) return;
    if (clock.steady() >= until) throw new CommandError(`${answer.problem} ${answer.todo}`);
    if (!told) job.say(`Waiting for the service: ${answer.problem} ${answer.todo}`);
    told = true;
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** What is read of `GET /admin/tickets/{helpdesk}/{ticketId}`. */
interface TicketAnswer {
  readonly status: string;
  readonly reason: string | null;
  readonly noteId: string | null;
  readonly attempts: readonly { readonly error: string | null }[];
}

const FAILED = new Set(['dead', 'cancelled', 'skipped']);

async function awaitNote(job: ConnectJob, client: ServiceClient, ticketId: string): Promise<string> {
  const until = clock.steady() + job.timeoutMs;
  let status = '';
  for (;;) {
    const ticket = await find(client, job.helpdesk, ticketId);
    if (ticket !== null && status === '') job.say('Its webhook has arrived');
    status = ticket?.status ?? '';
    if (ticket?.status === 'posted' && ticket.noteId !== null) {
      if (await job.connection.hasNote(ticketId, ticket.noteId, unhurried)) return ticket.noteId;
      throw new CommandError(
        `The service says it has posted note ${ticket.noteId}, but ${job.helpdesk} shows no private note of this user on ticket ${ticketId}.`,
      );
    }
    if (ticket !== null && FAILED.has(status)) throw new CommandError(whyFailed(ticket));
    if (clock.steady() >= until) throw new CommandError(whyLate(job, ticketId, status));
    await clock.sleep(LOOK_EVERY_MS);
  }
}

async function find(client: ServiceClient, helpdesk: string, ticketId: string): Promise<TicketAnswer | null> {
  try {
    return await client.get<TicketAnswer>(`/admin/tickets/${helpdesk}/${ticketId}`);
  } catch (error) {
    if (error instanceof ServiceRefused && error.status === 404) return null;
    throw error;
  }
}

function whyFailed({ status, reason, attempts }: TicketAnswer): string {
  const error = attempts.findLast((attempt) => attempt.error !== null)?.error ?? null;
  const because = [reason, error].filter((text) => text !== null).join(': ');
  return `The webhook arrived, but the test ticket ended as ${status}${because === '' ? '' : ` (${because})`}.`;
}

function whyLate({ webhookUrl, helpdesk, timeoutMs }: ConnectJob, ticketId: string, status: string): string {
  const seconds = timeoutMs / 1000;
  if (status !== '')
    return `The webhook arrived, but the test ticket is still ${status} after ${seconds} s: draftdesk status says what it waits for.`;
  return (
    `No webhook for ticket ${ticketId} came within ${seconds} s. Can ${helpdesk} reach ${webhookUrl} from outside ` +
    `(DNS, TLS, firewall, proxy)? Its own log of the webhook tells what it got.`
  );
}
