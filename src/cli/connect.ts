import { Argument, Command } from 'commander';
import type { SetupQuestion } from '../core/helpdesk-setup.ts';
import { newSecret } from '../core/clock.ts';
import { isLoopback, upstreamUrlProblem } from '../core/upstream-url.ts';
import { connectables, openConnection } from '../helpdesk-connection.ts';
import { type Asker, canAsk, createAsker } from './ask.ts';
import { CommandError, EXIT, guarded } from './command-error.ts';
import { checkConnection } from './connect-check.ts';
import { makeConnection } from './connect-make.ts';
import type { ConnectJob } from './connect-job.ts';
import { explained } from './connect-trouble.ts';
import { setInEnvFile } from './env-file.ts';
import { readEnvironment } from './environment.ts';
import { wholeNumber } from './options.ts';

interface ConnectOptions {
  readonly publicUrl?: string;
  readonly check?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly writeSecret?: true;
  readonly test: boolean;
  readonly timeout: number;
  readonly json?: true;
}

export function connectCommand(): Command {
  return new Command('connect')
    .description('Connects a helpdesk: makes its webhook, and proves it with a test ticket.')
    .addArgument(new Argument('<helpdesk>', 'which one').choices(connectables.map(({ name }) => name)))
    .option('--public-url <url>', 'where it reaches Draftdesk (or DRAFTDESK_PUBLIC_URL)')
    .option('--check', 'change nothing: find what is broken')
    .option('--dry-run', 'show what would be changed')
    .option('--yes', 'ask nothing')
    .option('--write-secret', 'put the webhook secret into .env')
    .option('--no-test', 'no test ticket')
    .option('--timeout <seconds>', 'of each step of the test', wholeNumber, 120)
    .option('--json', 'the answer as JSON')
    .addHelpText('after', HELP)
    .action(
      guarded(async (helpdesk: string, options: ConnectOptions) => {
        using asker = options.yes === true || !canAsk() ? null : createAsker();
        const job = await prepare(helpdesk, options, asker);
        try {
          return options.check === true ? await checkConnection(job) : await makeConnection(job);
        } catch (error) {
          throw explained(error, job);
        }
      }),
    );
}

const HELP = `
It takes its credentials from the environment and .env, and asks for the rest.
Where those may not change the set-up, put an admin's into
DRAFTDESK_SETUP_TOKEN (Zendesk: OAuth token, Freshdesk: API key) for this one
command; it is stored nowhere.

Examples:
  $ draftdesk connect zendesk --public-url https://draftdesk.acme.com
  $ draftdesk connect zendesk --check`;

async function prepare(helpdesk: string, options: ConnectOptions, asker: Asker | null): Promise<ConnectJob> {
  const chosen = connectables.find(({ name }) => name === helpdesk);
  if (chosen === undefined) throw new CommandError(`Unknown helpdesk ${helpdesk}.`, EXIT.usage);
  const found = readEnvironment();
  const answers = asker === null ? {} : await askFor(chosen.questions, found, asker);
  const { secretVariable, secretBy } = chosen;
  // a secret of ours must be there before a rule can carry it
  const ours =
    secretBy === 'us' && !found[secretVariable] && options.check !== true ? { [secretVariable]: newSecret() } : {};
  const publicUrl = await publicUrlOf(options, found, asker);
  const env = { ...found, ...answers, ...ours };
  const connection = openConnection(helpdesk, env, env['DRAFTDESK_SETUP_TOKEN'] || undefined);
  return {
    helpdesk,
    connection,
    env,
    asker,
    webhookUrl: `${publicUrl}/webhooks/${helpdesk}`,
    toStore: {
      ...answers,
      ...ours,
      ...(publicUrl === found['DRAFTDESK_PUBLIC_URL'] ? {} : { DRAFTDESK_PUBLIC_URL: publicUrl }),
    },
    store: setInEnvFile,
    dryRun: options.dryRun === true,
    yes: options.yes === true,
    writeSecret: options.writeSecret === true,
    test: options.test,
    timeoutMs: options.timeout * 1000,
    json: options.json === true,
    // progress never mixes with an answer for a script
    say: (line) => (options.json === true ? process.stderr : process.stdout).write(`${line}\n`),
  };
}

async function askFor(
  questions: readonly SetupQuestion[],
  env: NodeJS.ProcessEnv,
  asker: Asker,
): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const { variable, question, secret, unless = [] } of questions) {
    if ([variable, ...unless].some((name) => env[name])) continue;
    answers[variable] = await (secret ? asker.secret(question) : asker.text(question));
  }
  return answers;
}

/** Without a slash at its end. A helpdesk in the cloud reaches https only; loopback is for simulators. */
async function publicUrlOf(
  { publicUrl }: ConnectOptions,
  env: NodeJS.ProcessEnv,
  asker: Asker | null,
): Promise<string> {
  const told = publicUrl ?? env['DRAFTDESK_PUBLIC_URL'];
  const given = told || (await asker?.text('Where the helpdesk reaches Draftdesk, e.g. https://draftdesk.acme.com'));
  if (!given)
    throw new CommandError(
      'Say where the helpdesk reaches Draftdesk: --public-url https://draftdesk.acme.com (or DRAFTDESK_PUBLIC_URL).',
      EXIT.usage,
    );
  const url = given.replace(/\/+$/, '');
  const problem = upstreamUrlProblem(url, false);
  const atHome = isLoopback(url) && !isLoopback(firstBaseUrl(env));
  const wrong = problem ?? (atHome ? 'is this machine itself: the helpdesk cannot reach it' : null);
  if (wrong !== null) throw new CommandError(`--public-url ${wrong}.`, EXIT.usage);
  if (/\/webhooks(\/|$)/.test(url)) throw new CommandError('--public-url must end before /webhooks.', EXIT.usage);
  return url;
}

function firstBaseUrl(env: NodeJS.ProcessEnv): string {
  return env['ZENDESK_BASE_URL'] || env['FRESHDESK_BASE_URL'] || '';
}
