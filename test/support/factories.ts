import type { BudgetSnapshot, RateBudget } from '../../src/core/rate-budget.ts';
import type { NewBatch } from '../../src/core/batch.ts';
import type { TicketEvent } from '../../src/core/helpdesk.ts';
import type { JobOutcome } from '../../src/core/outbox.ts';
import type { Rule, RuleSet } from '../../src/core/rules.ts';
import type { Draft } from '../../src/core/ticket.ts';
import type { TeamSettings } from '../../src/drafting/prepare-prompt.ts';

export const TRACEPARENT = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';

export function makeEvent(ticketId: string, overrides: Partial<TicketEvent> = {}): TicketEvent {
  return { kind: 'event', ticketId, key: `event of ${ticketId}`, messageId: null, priority: null, ...overrides };
}

export function makeDraft(overrides: Partial<Draft> = {}): Draft {
  return {
    body: 'Please restart the app.',
    finding: null,
    language: 'en',
    confidence: 0.8,
    questions: ['Which version is it?'],
    sources: [],
    unproven: [],
    missing: [],
    closest: [],
    versions: null,
    model: 'gpt-6-luna',
    promptTokens: 500,
    cachedTokens: 0,
    completionTokens: 120,
    costUsd: 0.0001,
    cut: null,
    review: null,
    ...overrides,
  };
}

export function makeDrafted(
  overrides: Partial<Extract<JobOutcome, { kind: 'drafted' }>> = {},
): Extract<JobOutcome, { kind: 'drafted' }> {
  return {
    kind: 'drafted',
    draft: makeDraft(),
    conversationVersion: 'v1',
    seenMessageId: '100',
    fetchedAt: Number.MAX_SAFE_INTEGER,
    facts: { subject: 'It does not start', requesterId: '7' },
    next: 'post',
    ...overrides,
  };
}

export function makeBatch(ticketIds: readonly string[], overrides: Partial<NewBatch> = {}): NewBatch {
  return {
    helpdesk: 'zendesk',
    name: null,
    ticketIds,
    source: null,
    post: 'auto',
    lane: 'standard',
    skipDrafted: false,
    canary: null,
    budgetUsd: null,
    ...overrides,
  };
}

/** A budget nobody uses. */
/** A rate budget with room for all, which tells so many ms of waiting. */
export const makeOpenBudget = (waitedMs = 0): RateBudget => ({
  acquire: async () => ({ waitedMs, settle: () => undefined }),
  pause: () => undefined,
  snapshot: makeBudgetSnapshot,
});

export const makeBudgetSnapshot = (): BudgetSnapshot => ({
  requestsPerMinute: 1,
  tokensPerMinute: 1,
  usedRequests: 0,
  usedTokens: 0,
  pausedUntil: null,
  waiting: 0,
  inFlight: 0,
  concurrencyLimit: null,
  refundFactor: 0,
  promptRatio: 1,
});

/** A team that has set nothing. */
export const makeTeam = (team: Partial<TeamSettings> = {}): TeamSettings => ({
  guidelines: '',
  linkHosts: [],
  maskPersonalData: false,
  ...team,
});

/** A rule that takes every ticket and gives it a draft. */
export const makeRule = (rule: Partial<Rule> = {}): Rule => ({
  name: 'every',
  when: {},
  action: 'draft',
  guidelines: '',
  percent: 100,
  control: 0,
  ...rule,
});

export const makeRules = (rules: readonly Partial<Rule>[], categories: readonly string[] = []): RuleSet => ({
  version: '0123456789ab',
  categories: categories.map((name) => ({ name, description: `It is about ${name}.` })),
  rules: rules.map(makeRule),
});
