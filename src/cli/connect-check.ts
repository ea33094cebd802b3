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
  readonly ok: boolean;
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
  const ok = checks.every((check) => check.ok);
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
    yield bad('set-up', 'cannot be read with these credentials', "DRAFTDESK_SETUP_TOKEN: an admin's, for this command");
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
  if (ok) return `${paint(process.stdout, 'green', 'ok ')}  ${name}\n`;
  return `${paint(process.stdout, 'red', 'BAD')}  ${name}: ${problem}\n     do: ${todo}\n`;
}
