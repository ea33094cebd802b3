import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/*
 * Not TypeScript: Node's type stripping would take 20 MB in the process whose memory is measured.
 *
 * Preloaded into the service under test: on SIGUSR2 it writes how late the event loop was since the last signal, ms, into
 * the file named by BENCH_LOOP_DELAY.
 */
const file = process.env['BENCH_LOOP_DELAY'] ?? '';
const resolutionMs = 2;
const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
histogram.enable();

process.on('SIGUSR2', () => {
  // what is measured is the time between two timers, which holds their interval
  const late = (ns) => Math.max(0, ns / 1e6 - resolutionMs);
  const figures = {
    p50: late(histogram.percentile(50)),
    p99: late(histogram.percentile(99)),
    max: late(histogram.max),
  };
  writeFileSync(file, JSON.stringify(figures));
  histogram.reset();
});
