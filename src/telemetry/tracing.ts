import type { Context, Logger, Tracer } from '@opentelemetry/api';
import { createContextKey } from '@opentelemetry/api';
import type { Clock } from '../core/clock.ts';
import type { AttemptStart } from '../core/observer.ts';
import type { LlmAddress } from './metrics-observer.ts';
import type { PlannedIds } from './trace-ids.ts';

/** What makes spans. */
export interface Tracing {
  readonly tracer: Tracer;
  /** Takes events; nothing comes of them where logs are not exported. */
  readonly logger: Logger;
  readonly ids: PlannedIds;
  readonly clock: Clock;
  readonly llm: LlmAddress;
  /** Prompts and answers go into the spans (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT). */
  readonly captureContent: boolean;
}

const ATTEMPT = createContextKey('draftdesk attempt');

/** The try in whose course something happens. */
export function attemptOf(context: Context): AttemptStart | undefined {
  return context.getValue(ATTEMPT) as AttemptStart | undefined;
}

export function withAttempt(context: Context, start: AttemptStart): Context {
  return context.setValue(ATTEMPT, start);
}
