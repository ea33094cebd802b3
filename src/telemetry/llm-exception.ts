import { SeverityNumber } from '@opentelemetry/api';
import { describeLlm } from './metrics-observer.ts';
import { ERROR_TYPE, EXCEPTION, LLM_EXCEPTION } from './names.ts';
import type { Tracing } from './tracing.ts';

interface Failure {
  readonly model: string;
  /** One of our error classes. */
  readonly errorType: string;
  /** The name of what was thrown. Its message stays out: a log that leaves the machine has no sentence of a server. */
  readonly thrown: string;
}

/** A failed call to the LLM as a log event of the span it happens in: the conventions put it there, not into the span. */
export function tellException({ logger, llm }: Pick<Tracing, 'logger' | 'llm'>, failure: Failure): void {
  logger.emit({
    eventName: LLM_EXCEPTION,
    severityNumber: SeverityNumber.WARN,
    severityText: 'WARN',
    attributes: {
      ...describeLlm(llm, failure.model),
      [EXCEPTION.type]: failure.thrown,
      [ERROR_TYPE]: failure.errorType,
    },
  });
}
