import { Command } from 'commander';
import { ConfigError, readConfig } from '../config.ts';
import { systemClock } from '../core/clock.ts';
import type { StoreFault } from '../core/store-fault.ts';
import { type Service, startService } from '../main.ts';
import { startTelemetry } from '../start-telemetry.ts';
import { EXIT, exitOf } from './command-error.ts';
import { readEnvironment } from './environment.ts';
import { dieOf, withoutSecrets } from './fatal.ts';
import { packagePath } from './package-path.ts';

const SIGNALS = `
SIGTERM, SIGINT and SIGHUP stop it in order, with exit code 0: no new work,
webhooks are answered 503, what is under way gets SHUTDOWN_GRACE_MS and then
goes back to the queue. A second signal ends it at once, with exit code 1:
nothing acknowledged is lost, the next start goes on.
With DRAFTDESK_CONFIG set, SIGHUP reads the rules again instead; a file with
mistakes changes nothing, and the log says what is wrong.`;

export function serveCommand(): Command {
  return new Command('serve')
    .description('Runs the service, configured by the environment and .env in the current folder.')
    .addHelpText('after', SIGNALS)
    .addHelpText('after', '\nExample:\n  $ ADMIN_TOKEN=… ZENDESK_BASE_URL=https://acme.zendesk.com … draftdesk serve')
    .action(serve);
}

async function serve(): Promise<void> {
  try {
    const env = readEnvironment();
    const config = readConfig(env);
    const telemetry = await startTelemetry(env, systemClock());
    const service = await startService(config, {
      migrationsFolder: packagePath('migrations', 'sqlite'),
      ...(telemetry === null ? {} : { telemetry }),
    });
    const stop = async (): Promise<void> => {
      await service.stop();
      await telemetry?.shutdown();
    };
    stopOnSignals(stop, config.rulesFile === null ? null : () => service.reloadRules());
    void service.broken.then((fault) => endBroken(fault, service));
  } catch (error) {
    process.stderr.write(`${describeStartFailure(error)}\n`);
    process.exitCode = error instanceof ConfigError ? EXIT.config : exitOf(error);
  }
}

/** The first signal stops in order, the second at once. `hangUp`: what SIGHUP does instead; null: it stops too. */
function stopOnSignals(stop: () => Promise<void>, hangUp: (() => void) | null): void {
  let signalled = false;
  const onSignal = (): void => {
    if (signalled) process.exit(1);
    signalled = true;
    // Nothing keeps the loop alive once everything is closed; exit says so also if a library disagrees.
    stop().then(
      () => process.exit(0),
      (error: unknown) => dieOf(error),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
  process.on('SIGHUP', hangUp ?? onSignal);
  // started by a program of ours (the sandbox) that has gone
  process.on('disconnect', onSignal);
}

/** How long a service whose database has failed may take to stop, ms. */
const BROKEN_STOP_MS = 1500;

/** Whoever started us starts us again, on what is on the disk. */
async function endBroken({ sentence }: StoreFault, service: Service): Promise<void> {
  process.stderr.write(`Draftdesk stops: ${sentence}\n`);
  const stopping = service.stop().catch(() => undefined);
  await Promise.race([stopping, systemClock().sleep(BROKEN_STOP_MS)]);
  process.exit(EXIT.disk);
}

function describeStartFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE')
    return 'Draftdesk cannot start: the port is in use. Set PORT to another one (0 takes a free one).';
  if (code === 'EACCES') return 'Draftdesk cannot start: it may not listen on that port. Set PORT above 1023.';
  return error instanceof ConfigError ? error.message : withoutSecrets(`Draftdesk cannot start: ${error.message}`);
}
