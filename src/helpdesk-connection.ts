import { ConfigError, type Env } from './config.ts';
import { newSecret, systemClock, systemRandom } from './core/clock.ts';
import type { HelpdeskSetup, SetupQuestion } from './core/helpdesk-setup.ts';
import { helpdesks } from './helpdesks/index.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';

/** One helpdesk's account, as `draftdesk connect` works on it. */
export interface HelpdeskConnection {
  readonly setup: HelpdeskSetup;
  /** Name of the variable with the secret of its webhooks. */
  readonly secretVariable: string;
  /** What that variable holds now; empty when it is not set. */
  readonly secrets: readonly string[];
  /** Our own private note is on the ticket, read from the helpdesk itself. */
  hasNote(ticketId: string, noteId: string, signal: AbortSignal): Promise<boolean>;
}

/** What can be connected, and what a person must tell for it. */
export interface Connectable {
  readonly name: string;
  readonly questions: readonly SetupQuestion[];
  readonly secretVariable: string;
  readonly secretBy: 'us' | 'vendor';
}

export const connectables: readonly Connectable[] = helpdesks.map((module) => ({
  name: module.name,
  questions: module.questions,
  secretVariable: module.webhookSecretIn,
  secretBy: module.webhookSecretBy,
}));

const TIMEOUT_MS = 15_000;

/**
 * `adminToken` is used for the set-up alone. Throws `ConfigError` for settings that are wrong; a webhook secret that is
 * still missing is none of them: the vendor makes it.
 */
export function openConnection(name: string, env: Env, adminToken: string | undefined): HelpdeskConnection {
  const module = helpdesks.find((one) => one.name === name);
  if (module === undefined) throw new Error(`no helpdesk is called ${name}`);
  const secretVariable = module.webhookSecretIn;
  const secret = env[secretVariable]?.trim() ?? '';
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = module.settings.safeParse({ ...given, [secretVariable]: secret === '' ? newSecret() : secret });
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`),
      'connect',
    );
  const deps = {
    fetch: createUpstreamFetch(),
    clock: systemClock(),
    random: systemRandom,
    timeoutMs: TIMEOUT_MS,
    webhookToleranceSeconds: 0,
    ambiguousPostWaitMs: 0,
    allowInsecureUpstreams: env['ALLOW_INSECURE_UPSTREAMS'] === 'true',
    alarm: () => undefined,
  };
  const helpdesk = module.create(parsed.data, deps);
  return {
    setup: module.createSetup(parsed.data, deps, adminToken),
    secretVariable,
    secrets: secret === '' ? [] : secret.split(',').map((one) => one.trim()),
    hasNote: async (ticketId, noteId, signal) => {
      const { ownNotes } = await helpdesk.conversation(ticketId, signal);
      return ownNotes.some((note) => note.noteId === noteId);
    },
  };
}
