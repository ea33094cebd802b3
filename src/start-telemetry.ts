import type { Clock } from './core/clock.ts';
import type { TelemetrySdk } from './telemetry/telemetry.ts';

/** Those that ask for an export; others only say how. */
const WANTED = /^OTEL_(EXPORTER_OTLP_(TRACES_|METRICS_)?ENDPOINT|(TRACES|METRICS)_EXPORTER)$/;

let started: Promise<RunningTelemetry | null> | null = null;

export interface RunningTelemetry extends TelemetrySdk {
  /** Where the SDK's own problems are told from now on. */
  onProblem(tell: (what: string) => void): void;
}

/**
 * Starts OpenTelemetry if the OTEL_* variables ask for it, once per process; else not even its code is loaded, and the
 * answer is null. `env` may know more than `process.env`, which is where the SDK looks: it is filled up.
 */
export function startTelemetry(env: NodeJS.ProcessEnv, clock: Clock): Promise<RunningTelemetry | null> {
  return (started ??= isWanted(env) ? start(env, clock) : Promise.resolve(null));
}

export function isWanted(env: NodeJS.ProcessEnv): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  return Object.entries(env).some(([name, value]) => WANTED.test(name) && value !== '' && value !== 'none');
}

async function start(env: NodeJS.ProcessEnv, clock: Clock): Promise<RunningTelemetry> {
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('OTEL_')) process.env[name] ??= value;
  }
  const { startSdk } = await import('./telemetry/sdk.ts');
  let tell: (what: string) => void = () => undefined;
  const sdk = startSdk(process.env, clock, (what) => tell(what));
  return {
    ...sdk,
    onProblem: (other) => {
      tell = other;
    },
  };
}
