import { systemClock } from '../core/clock.ts';
import { UpstreamError } from '../core/errors.ts';
import { EXIT } from './command-error.ts';
import { type ConnectJob, unhurried } from './connect-job.ts';
import { sendSample } from './connect-sample.ts';
import { paint } from './progress-view.ts';
import { serviceUrl } from './service-client.ts';
import { jsonLine, shown } from './shown.ts';

interface Check {
  readonly name: string;
  /** Null: could not be looked at. */
  readonly ok: boolean | null;
  /** Null where there is nothing to say. */
  readonly problem: string | null;
  readonly todo: string | null;
}

/** Looks at every link of the chain and changes nothing. Answers 0, or 1 when one is broken. */
export async function checkConnection(job: ConnectJob): Promise<number> {
  const checks: Check[] = [];
  for await (const check of chain(job)) {
    checks.push(check);
    if (!job.json) process.stdout.write(describe(check));
  }
  const ok = checks.every((check) => check.ok !== false);
  if (job.json) process.stdout.write(jsonLine({ helpdesk: job.helpdesk, webhookUrl: job.webhookUrl, ok, checks }));
  return ok ? 0 : EXIT.failed;
}

async function* chain(job: ConnectJob): AsyncGenerator<Check> {
  const { connection, helpdesk, webhookUrl } = job;
  const { setup } = connection;
  await setup.account(unhurried);
  yield good('credentials');
  const mend = `draftdesk connect ${helpdesk}`;
  try {
    for (const { title, state, problems } of await setup.inspect(webhookUrl, unhurried)) {
      if (state === 'good') yield good(title);
      else yield bad(title, state === 'missing' ? 'is not there' : problems.join(', '), mend);
    }
  } catch (error) {
    if (!isRefused(error)) throw error;
    const todo = "to look at it, too, put an admin's credential into DRAFTDESK_SETUP_TOKEN for this command";
    yield { name: 'set-up', ok: null, problem: 'cannot be read with these credentials', todo };
  }
  const secret = await secretOf(job);
  if (secret.value === '') {
    yield bad(connection.secretVariable, 'is not set', mend);
    return;
  }
  if (secret.known === false)
    yield bad(connection.secretVariable, "is not the webhook's secret", `${mend} --write-secret, then restart`);
  else yield good(connection.secretVariable);
  yield await receiver('service', `${serviceUrl(job.env)}/webhooks/${helpdesk}`, job, secret.value);
  yield await receiver('public address', webhookUrl, job, secret.value);
}

/** The vendor's own secret where it tells it; else what we have. */
async function secretOf(job: ConnectJob): Promise<{ readonly value: string; readonly known: boolean }> {
  const { secrets, setup } = job.connection;
  const made = await setup.webhookSecret(job.webhookUrl, unhurried).catch((error: unknown) => {
    if (isRefused(error)) return null;
    throw error;
  });
  return { value: made ?? secrets[0] ?? '', known: made === null || secrets.includes(made) };
}

async function receiver(name: string, url: string, job: ConnectJob, secret: string): Promise<Check> {
  const answer = await sendSample(job.connection.setup, url, secret, systemClock());
  return answer.ok ? good(name) : bad(name, answer.problem, answer.todo);
}

/** Not allowed to look is no fault of the set-up. */
function isRefused(error: unknown): boolean {
  return error instanceof UpstreamError && error.errorClass !== 'connection' && error.errorClass !== 'timeout';
}

function good(name: string): Check {
  return { name, ok: true, problem: null, todo: null };
}

function bad(name: string, problem: string, todo: string): Check {
  return { name, ok: false, problem: shown(problem), todo };
}

function describe({ name, ok, problem, todo }: Check): string {
  if (ok === true) return `${paint(process.stdout, 'green', 'ok ')}  ${name}\n`;
  const mark = ok === null ? paint(process.stdout, 'yellow', '-- ') : paint(process.stdout, 'red', 'BAD');
  return `${mark}  ${name}: ${problem}\n     do: ${todo}\n`;
}
