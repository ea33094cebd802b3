import { type Clock, traceIdOf } from '../core/clock.ts';
import { type Observer, silentObserver, type TicketRef } from '../core/observer.ts';
import type { Log, LogFields, LogLevel } from './log.ts';

const ATTEMPT_LEVELS: Readonly<Record<Parameters<Observer['attempt']>[0]['outcome'], LogLevel>> = {
  ok: 'debug',
  retry: 'info',
  dead: 'warn',
  cancelled: 'info',
  lost: 'info',
};

/** Turns every business event into one line, except floods: those become a line a second with a count. */
export function createLogObserver(log: Log, clock: Clock): Observer {
  const aggregate = createAggregator(clock);
  return {
    ...silentObserver,
    webhook: ({ outcome, reason, helpdesk, status, ticketId }) => {
      if (outcome !== 'refused') {
        const level = outcome === 'accepted' ? 'info' : 'debug';
        log.write(level, `webhook ${outcome}`, { helpdesk, ticketId, reason });
        return;
      }
      // clients that hang up are nobody's fault
      const level = reason === 'cut' ? 'debug' : 'warn';
      aggregate(`${helpdesk} ${reason}`, (count) =>
        log.write(level, 'webhook refused', { helpdesk, reason, status, count }),
      );
    },
    attempt: ({ ticket, ...fields }) =>
      log.write(ATTEMPT_LEVELS[fields.outcome], 'attempt', { ...refFields(ticket), ...fields }),
    llmCall: ({ ticket, ...fields }) =>
      log.write(fields.errorClass === null ? 'debug' : 'info', 'llm call', { ...refFields(ticket), ...fields }),
    embedding: (fields) => {
      if (fields.errorClass === null) return log.write('debug', 'embedding', fields);
      // while the model is away every search goes on without
      aggregate(`embedding ${fields.purpose} ${fields.errorClass}`, (count) =>
        log.write('warn', fields.purpose === 'question' ? 'search without a vector' : 'embedding', {
          ...fields,
          count,
        }),
      );
    },
    ruled: ({ ticket, skip, ...fields }) =>
      log.write('info', 'rule', { ...refFields(ticket), ...fields, reason: skip }),
    rulesRead: ({ problems, version, rules }) => {
      if (problems.length === 0) log.write('info', 'rules read', { version, count: rules });
      for (const detail of problems) log.write('error', 'rules refused, the former ones stay', { version, detail });
    },
    knowledgeRead: ({ source, ...fields }) => log.write('info', 'knowledge read', { helpdesk: source, ...fields }),
    ticketFinished: ({ ticket, ...fields }) =>
      log.write('info', 'ticket finished', { ...refFields(ticket), ...fields }),
    paused: (fields) => log.write('warn', 'paused', fields),
    resumed: (fields) => log.write('info', 'resumed', fields),
    batch: (fields) => log.write('info', 'batch', fields),
    sweep: (fields) => log.write(fields.found > 0 ? 'warn' : 'debug', 'sweep', fields),
    alarm: (fields) => log.write('error', 'alarm', fields),
    service: ({ phase, url }) => log.write('info', phase, { url }),
    fault: ({ where, error }) =>
      aggregate(`fault ${where} ${error}`, (count) => log.write('error', 'fault', { where, error, count })),
  };
}

function refFields({ helpdesk, ticketId, traceparent }: TicketRef): LogFields {
  return { helpdesk, ticketId, trace_id: traceIdOf(traceparent) };
}

const WINDOW_MS = 1000;

/** The first of its kind at once, those within the next second together, and so on while they come. */
function createAggregator(clock: Clock): (key: string, tell: (count: number) => void) => void {
  const waiting = new Map<string, number>();
  return (key, tell) => {
    const count = waiting.get(key);
    if (count !== undefined) {
      waiting.set(key, count + 1);
      return;
    }
    const open = (): void => {
      waiting.set(key, 0);
      clock.after(WINDOW_MS, close);
    };
    const close = (): void => {
      const more = waiting.get(key) ?? 0;
      waiting.delete(key);
      if (more === 0) return;
      tell(more);
      open();
    };
    tell(1);
    open();
  };
}
