import { Command } from 'commander';
import { type Env, readConfig } from '../../config.ts';
import type { Finding } from '../../core/finding.ts';
import { isLoopbackHost } from '../../core/weak-secret.ts';
import { probeUpstreams } from '../../probe-upstreams.ts';
import { guarded } from '../command-error.ts';
import { readEnvironment } from '../environment.ts';
import { withoutSecrets } from '../fatal.ts';
import { jsonLine, shown } from '../shown.ts';
import type { Check, Patient } from './check.ts';
import { database } from './database-checks.ts';
import { address, environmentFile, node, rules, secrets, service, settings } from './environment-checks.ts';
import { printFindings } from './print-findings.ts';

/** The upstreams are asked with the settings' own credentials; with wrong settings there is nobody to ask. */
const upstreams: Check = ({ config }) => (config === null ? [] : probeUpstreams(config));

/** In the order they are shown. */
const CHECKS: readonly Check[] = [
  settings,
  rules,
  secrets,
  node,
  environmentFile,
  address,
  service,
  database,
  upstreams,
];

const HELP = `
Works beside a running service and without one. Asks the helpdesks and the LLM
whether they take the credentials (nothing is drafted, written or paid for).
Exit codes: 0 all is well, 1 warnings, 2 errors.

Example:
  $ draftdesk doctor`;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Looks at settings, database, disk, vendors and clock, and says what to mend.')
    .option('--json', 'the findings as JSON')
    .addHelpText('after', HELP)
    .action(
      guarded(async ({ json }: { readonly json?: true }) => {
        const env = readEnvironment();
        const patient = await meet(env);
        const findings: Finding[] = [];
        for (const check of CHECKS) findings.push(...(await check(patient)).map((finding) => clean(finding, env)));
        if (json === true) process.stdout.write(jsonLine({ findings }));
        else process.stdout.write(printFindings(findings, process.stdout));
        return exitCode(findings);
      }),
    );
}

async function meet(env: Env): Promise<Patient> {
  const config = orNull(() => readConfig(env));
  const { host = '127.0.0.1', port = 8787 } = config ?? {};
  const own = `http://${isLoopbackHost(host) || host.includes(':') ? '127.0.0.1' : host.replace('0.0.0.0', '127.0.0.1')}:${port}`;
  const url = (env['DRAFTDESK_URL'] || own).replace(/\/+$/, '');
  return { env, config, url, readiness: await readinessAt(url) };
}

const READY_TIMEOUT_MS = 5_000;

async function readinessAt(url: string): Promise<Patient['readiness']> {
  try {
    const response = await fetch(`${url}/readyz`, { redirect: 'error', signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    const { checks } = (await response.json()) as { checks?: Record<string, string> };
    return checks === undefined ? null : { checks };
  } catch {
    return null;
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** What a vendor or the system says may hold anything. */
function clean({ text, ...finding }: Finding, env: Env): Finding {
  return { ...finding, text: shown(withoutSecrets(text, env)) };
}

function exitCode(findings: readonly Finding[]): number {
  if (findings.some(({ level }) => level === 'error')) return 2;
  return findings.some(({ level }) => level === 'warning') ? 1 : 0;
}
