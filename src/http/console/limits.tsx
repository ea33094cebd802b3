import type { FC } from 'hono/jsx';
import type { LimitSnapshot } from '../../core/helpdesk.ts';
import type { LlmLimit, Progress } from '../../core/service-control.ts';
import { Card, Chip, Meter } from './components.tsx';
import { dollars } from './words.ts';

/** Of the UTC day, USD. */
export interface Money {
  readonly spentUsd: number;
  readonly budgetUsd: number | null;
}

/** What is used of each limit, against what is allowed. */
export const Limits: FC<Money & { progress: Progress }> = ({ progress: { limits, workers }, spentUsd, budgetUsd }) => (
  <Card title="Limits, this minute">
    {Object.entries(limits).map(([name, limit]) =>
      'tokensPerMinute' in limit ? (
        <LlmMeters name={name} limit={limit} />
      ) : (
        <HelpdeskMeters name={name} limit={limit} />
      ),
    )}
    <Meter label="Workers" used={workers.busy} of={workers.total} />
    {budgetUsd !== null && (
      <Meter
        label="LLM, dollars today"
        used={spentUsd}
        of={budgetUsd}
        text={`${dollars(spentUsd)} of ${dollars(budgetUsd)}`}
      />
    )}
  </Card>
);

const LlmMeters: FC<{ name: string; limit: LlmLimit }> = ({ name, limit }) => (
  <>
    <Meter label={`${label(name)} requests`} used={limit.usedRequests} of={limit.requestsPerMinute} />
    <Meter label={`${label(name)} tokens`} used={limit.usedTokens} of={limit.tokensPerMinute} />
    <Held name={name} until={limit.pausedUntil} />
  </>
);

const HelpdeskMeters: FC<{ name: string; limit: LimitSnapshot }> = ({ name, limit }) => (
  <>
    <Meter label={`${label(name)} requests`} used={limit.usedRequests} of={limit.requestsPerMinute} />
    {limit.updatesPerMinute !== undefined && (
      <Meter label={`${label(name)} notes`} used={limit.usedUpdates ?? 0} of={limit.updatesPerMinute} />
    )}
    <Held name={name} until={limit.pausedUntil} />
  </>
);

const Held: FC<{ name: string; until: string | null }> = ({ name, until }) =>
  until === null ? null : (
    <p>
      <Chip tone="wait">waits</Chip> {label(name)} asks us to wait until {until.slice(11, 19)} UTC.
    </p>
  );

/** `llm:gpt-6` is a fallback model; a helpdesk's name is its own. */
function label(name: string): string {
  if (name === 'llm') return 'LLM';
  return name.startsWith('llm:') ? name.slice(4) : name.charAt(0).toUpperCase() + name.slice(1);
}
