import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { FAULT_PROFILES, type FaultProfile } from '../sandbox/faults.ts';
import type { SampleTicket } from '../sandbox/tickets.ts';
import { CommandError, EXIT, guarded, systemCode } from './command-error.ts';
import { wholeNumber } from './options.ts';

interface SandboxOptions {
  readonly tickets?: number;
  readonly helpdesk: 'zendesk' | 'freshdesk';
  readonly faults: FaultProfile;
  readonly chaos?: true;
  readonly file?: string;
  readonly keep?: true;
  readonly batch?: true;
  readonly vendorLimits?: true;
  readonly kills?: number;
  readonly seed: number;
  readonly json?: true;
}

const DEFAULT_TICKETS = 200;
const CHAOS_KILLS = 20;

export function sandboxCommand(): Command {
  return new Command('sandbox')
    .description('Runs the real service against a simulated helpdesk and a simulated LLM: nothing to configure.')
    .addOption(
      new Option('--tickets <n>', `how many tickets (default ${DEFAULT_TICKETS}, or all of the file)`).argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--helpdesk <name>', 'which helpdesk to simulate')
        .choices(['zendesk', 'freshdesk'])
        .default('zendesk'),
    )
    .addOption(
      new Option('--faults <profile>', 'how often the simulators fail').choices(FAULT_PROFILES).default('mild'),
    )
    .option(
      '--chaos',
      `one request in five fails, some of them twice over, and the service is killed ${CHAOS_KILLS} times: --faults chaos --kills ${CHAOS_KILLS}`,
    )
    .addOption(new Option('--kills <n>', 'how often to kill the service (SIGKILL) in the drain').argParser(wholeNumber))
    .option('--file <path>', 'own tickets: JSON lines with subject and description (HTML or text)')
    .option('--vendor-limits', "keep the vendors' limits (100 notes a minute)")
    .option('--batch', 'hand the tickets in as one batch instead of by webhooks')
    .option('--keep', 'stay up afterwards and print where')
    .option('--json', 'one JSON object at the end instead of the progress bar and the table')
    .addOption(new Option('--seed <n>', 'makes the same faults again').argParser(wholeNumber).default(1))
    .addHelpText('after', '\nExample:\n  $ npm run sandbox -- --tickets 1000 --helpdesk freshdesk --faults heavy')
    .action(
      guarded(async (options: SandboxOptions) => {
        // the simulators are loaded here only: the service does without them
        const [{ runSandbox }, { sampleTickets }] = await Promise.all([
          import('./sandbox-run.ts'),
          import('../sandbox/tickets.ts'),
        ]);
        const own = options.file === undefined ? null : readTickets(options.file);
        const tickets = repeat(own ?? sampleTickets, options.tickets ?? own?.length ?? DEFAULT_TICKETS);
        return await runSandbox({
          tickets,
          helpdesk: options.helpdesk,
          faults: options.chaos === true ? 'chaos' : options.faults,
          keep: options.keep === true,
          batch: options.batch === true,
          vendorLimits: options.vendorLimits === true,
          // other people's tickets are not about our shop; at the vendors' limits the history alone takes minutes
          helpCentre: own === null && options.vendorLimits !== true,
          kills: options.kills ?? (options.chaos === true ? CHAOS_KILLS : 0),
          seed: options.seed,
          json: options.json === true,
        });
      }),
    );
}

function repeat(tickets: readonly SampleTicket[], count: number): SampleTicket[] {
  return Array.from({ length: count }, (_, index) => tickets[index % tickets.length]).filter(
    (ticket) => ticket !== undefined,
  );
}

/** Lines that are no tickets stop the run, each named by its number: a test of half a file proves little. */
function readTickets(path: string): SampleTicket[] {
  const tickets: SampleTicket[] = [];
  const problems: string[] = [];
  for (const [index, line] of readText(path).split('\n').entries()) {
    if (line.trim() === '') continue;
    const ticket = readTicket(line);
    if (typeof ticket === 'string') problems.push(`${path}:${index + 1} ${ticket}`);
    else tickets.push(ticket);
  }
  if (problems.length > 0) throw new CommandError(problems.slice(0, 10).join('\n       '), EXIT.usage);
  if (tickets.length === 0) throw new CommandError(`${path} holds no tickets`, EXIT.usage);
  return tickets;
}

function readText(path: string): string {
  try {
    // Windows editors begin with a byte order mark
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw new CommandError(`${path} cannot be read (${systemCode(error)})`, EXIT.usage, { cause: error });
  }
}

/** A ticket, or what is wrong with the line. */
function readTicket(line: string): SampleTicket | string {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return 'is not JSON';
  }
  const { subject, description } = (fields ?? {}) as { subject?: unknown; description?: unknown };
  if (typeof subject !== 'string' || typeof description !== 'string')
    return 'needs "subject" and "description", both text';
  return {
    subject,
    html: description,
    requester: { name: 'A Customer', email: 'customer@example.org' },
    expect: ['posted', 'skipped:no_draft', 'skipped:no_customer_message'],
  };
}
