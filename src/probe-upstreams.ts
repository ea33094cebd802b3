import type { Config } from './config.ts';
import { systemClock, systemRandom } from './core/clock.ts';
import { type Finding, ok, problem, warning } from './core/finding.ts';
import { asUpstreamError } from './core/retry-policy.ts';
import { createRoutes } from './llm-routes.ts';
import { createUpstreamFetch } from './upstream-fetch.ts';

/** Skew of the clocks that is worth a word, ms. */
const SKEW_WORTH_MS = 30_000;
const PROBE_TIMEOUT_MS = 10_000;

type UpstreamDeps = Parameters<typeof createRoutes>[1];
/** Tells `found` first on which screen the credentials are, where that is known. */
type Ask = (
  deps: UpstreamDeps,
  signal: AbortSignal,
  found: (screen: string | null) => void,
) => Promise<readonly Finding[]>;

/** Are the credentials good, do the clocks agree, what has the vendor configured? A call or two to each upstream. */
export async function probeUpstreams(config: Config): Promise<readonly Finding[]> {
  const { webhookToleranceSeconds, ambiguousPostWaitMs } = config;
  const timeoutMs = Math.min(config.helpdeskTimeoutMs, PROBE_TIMEOUT_MS);
  const helpdesks = config.helpdesks.map(({ module, settings }) =>
    probe(module.name, config, async (deps, signal, found) => {
      const own = { timeoutMs, webhookToleranceSeconds, ambiguousPostWaitMs, alarm: () => undefined };
      const helpdesk = module.create(settings, { ...deps, ...own });
      found(helpdesk.adminUrl ?? null);
      await helpdesk.probe(signal);
      return (await helpdesk.setup?.(signal)) ?? [];
    }),
  );
  const { module, settings } = config.llm;
  const llm = probe('llm', config, async (deps, signal, found) => {
    found(module.adminUrl(settings));
    await createRoutes(config.llm, deps).preferred.model.probe(signal);
    return await checkSideModels(config.llm, deps, signal);
  });
  return (await Promise.all([...helpdesks, llm])).flat();
}

/** A wrong name would show at the first draft only, and stop none. */
async function checkSideModels(
  { module, settings }: Config['llm'],
  deps: UpstreamDeps,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const named = [
    { setting: 'REVIEW_MODEL', name: module.reviewModel(settings), until: 'drafts go on unreviewed' },
    { setting: 'QUERY_MODEL', name: module.queryModel(settings), until: "only the ticket's own words are looked for" },
  ];
  if (named.every(({ name }) => name === null)) return [];
  // not every server lists its models
  const listed = await module.listModels(settings, deps, signal).catch(() => null);
  if (listed === null) return [];
  return named
    .filter(({ name }) => name !== null && !listed.has(name))
    .map(({ setting, name, until }) =>
      problem(
        'llm',
        `${setting} ${name} is not among the ${listed.size} models that the server lists`,
        `Correct ${setting}: until then ${until}.`,
      ),
    );
}

async function probe(name: string, config: Config, ask: Ask): Promise<readonly Finding[]> {
  const { allowInsecureUpstreams, webhookToleranceSeconds } = config;
  const clock = systemClock();
  const send = createUpstreamFetch();
  let skewMs: number | null = null;
  const dated: typeof fetch = async (input, init) => {
    const response = await send(input, init);
    const date = Date.parse(response.headers.get('date') ?? '');
    if (!Number.isNaN(date)) skewMs = clock.now() - date;
    return response;
  };
  const deps = { fetch: dated, clock, random: systemRandom, allowInsecureUpstreams };
  let screen: string | null = null;
  let findings: readonly Finding[];
  try {
    const found = await ask(deps, AbortSignal.timeout(PROBE_TIMEOUT_MS), (address) => {
      screen = address;
    });
    findings = [ok(name, 'answers and takes the credentials'), ...found];
  } catch (error) {
    findings = [refused(name, error, screen)];
  }
  return [...findings, ...skewOf(name, skewMs, webhookToleranceSeconds)];
}

function refused(name: string, error: unknown, screen: string | null): Finding {
  const { message, errorClass } = asUpstreamError(error);
  const isRefusal = errorClass === 'auth' || errorClass === 'forbidden';
  const fix = isRefusal
    ? 'Check the credentials in the settings, and their rights at the vendor.'
    : 'Check the address in the settings, and the way from this machine to it.';
  return problem(name, message, fix, isRefusal ? screen : null);
}

/** `Date` headers hold whole seconds and are some way old: only what is far beyond counts. */
export function skewOf(name: string, skewMs: number | null, toleranceSeconds: number): readonly Finding[] {
  if (skewMs === null || Math.abs(skewMs) < SKEW_WORTH_MS) return [];
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const text = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} that of ${name}`;
  const fix = 'Set this machine by NTP.';
  if (seconds <= toleranceSeconds) return [warning('clock', text, fix)];
  return [problem('clock', `${text}: more than WEBHOOK_TOLERANCE_SECONDS`, fix)];
}
