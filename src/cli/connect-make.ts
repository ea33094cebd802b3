import type { SetupPart } from '../core/helpdesk-setup.ts';
import { CommandError, EXIT } from './command-error.ts';
import { type ConnectJob, unhurried } from './connect-job.ts';
import { testConnection, type TestResult } from './connect-test.ts';
import { shown, jsonLine } from './shown.ts';

/** Shows what is to be done, does it, and proves it. Answers the exit code. */
export async function makeConnection(job: ConnectJob): Promise<number> {
  const { connection, webhookUrl, say } = job;
  const { setup } = connection;
  const account = await setup.account(unhurried);
  say(`Signed in to ${job.helpdesk} as ${shown(account.name)}${account.admin === true ? ' (admin)' : ''}`);
  const parts = await setup.inspect(webhookUrl, unhurried);
  for (const line of planOf(parts)) say(line);
  const open = parts.filter(({ state }) => state !== 'good');
  if (job.dryRun) return finish(job, parts, { changed: [], secret: 'kept', test: null });

  await agree(job, open.length + Object.keys(job.toStore).length);
  if (Object.keys(job.toStore).length > 0) {
    job.store(job.toStore);
    say(`Stored in .env: ${Object.keys(job.toStore).join(', ')}`);
  }
  const changed: string[] = [];
  await setup.apply(
    webhookUrl,
    (key) => {
      changed.push(key);
      say(`Done: ${parts.find((part) => part.key === key)?.title ?? key}`);
    },
    unhurried,
  );
  const secret = await settleSecret(job);
  if (!job.test) return finish(job, parts, { changed, secret: secret.kind, test: null });
  const test = await testConnection(job, secret.value);
  return finish(job, parts, { changed, secret: secret.kind, test });
}

function planOf(parts: readonly SetupPart[]): string[] {
  return parts.map(({ title, state, problems }) => {
    if (state === 'good') return `  fine    ${title}`;
    if (state === 'missing') return `  create  ${title}`;
    return `  mend    ${title}: it ${shown(problems.join(', it '))}`;
  });
}

/** Throws `CommandError` when nobody has said yes. */
async function agree(job: ConnectJob, changes: number): Promise<void> {
  if (changes === 0 || job.yes) return;
  if (job.asker === null)
    throw new CommandError(
      'Nothing was changed: nobody is here to agree. Add --yes (or --dry-run to look).',
      EXIT.usage,
    );
  if (await job.asker.confirm('Do this?')) return;
  throw new CommandError('Nothing was changed.', EXIT.interrupted);
}

interface Secret {
  readonly kind: 'kept' | 'written' | 'differs';
  readonly value: string;
}

/** The vendor's secret goes into .env if that is wanted; it is never printed. */
async function settleSecret(job: ConnectJob): Promise<Secret> {
  const { secretVariable, secrets, setup } = job.connection;
  const made = await setup.webhookSecret(job.webhookUrl, unhurried);
  if (made === null || secrets.includes(made)) {
    const value = made ?? secrets[0] ?? job.env[secretVariable] ?? '';
    return { kind: 'kept', value };
  }
  const write =
    job.writeSecret || (await job.asker?.confirm(`Put its secret into .env as ${secretVariable}?`)) === true;
  if (!write) {
    job.say(
      `${secretVariable} is not the secret of this webhook: copy it from “Reveal secret”, or add --write-secret.`,
    );
    return { kind: 'differs', value: made };
  }
  job.store({ [secretVariable]: made });
  job.say(`Stored in .env: ${secretVariable}`);
  return { kind: 'written', value: made };
}

interface Outcome {
  readonly changed: readonly string[];
  readonly secret: Secret['kind'];
  readonly test: TestResult | null;
}

function finish(job: ConnectJob, parts: readonly SetupPart[], outcome: Outcome): number {
  const { helpdesk, webhookUrl } = job;
  if (job.json) process.stdout.write(jsonLine({ helpdesk, webhookUrl, dryRun: job.dryRun, parts, ...outcome }));
  else if (job.dryRun) process.stdout.write('Nothing was changed (--dry-run).\n');
  else if (outcome.test !== null) process.stdout.write(`${helpdesk} is connected.\n`);
  else process.stdout.write(`Set up, not tried. Look again with: draftdesk connect ${helpdesk} --check\n`);
  return outcome.secret === 'differs' ? EXIT.failed : 0;
}
