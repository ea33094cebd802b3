import { readEnvironment } from './cli/environment.ts';
import { systemClock } from './core/clock.ts';
import { startTelemetry } from './start-telemetry.ts';

/*
 * `node --import ./dist/otel.js dist/draftdesk.js serve`: OpenTelemetry before anything else, as is its custom. `draftdesk
 * serve` does the same by itself; this is for those who import more of their own.
 */
await startTelemetry(readEnvironment(), systemClock());
