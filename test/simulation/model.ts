import { type LanguageModel, LanguageModelError, type Prompt } from '../../src/core/language-model.ts';
import type { ErrorClass } from '../../src/core/errors.ts';
import type { Connection } from '../../src/sqlite/database.ts';
import { makeCompletion } from '../support/stub-language-model.ts';
import type { Actor, Scheduler } from './scheduler.ts';

export interface SimulatedModelOptions {
  readonly actor: Actor;
  readonly scheduler: Scheduler;
  readonly connection: Connection;
  readonly faultRate: () => number;
  /** How often something has come between a paid answer and its place on the disk. */
  readonly disturbances: { readonly count: number; readonly wokeAt: number };
  readonly report: (violation: string) => void;
}

const FAILURES: readonly ErrorClass[] = [
  'rate_limited',
  'timeout',
  'server_error',
  'connection',
  'overloaded',
  'invalid_output',
  'quota_exhausted',
];

/** A model that answers, fails and hangs by the seed, and knows what was bought from it already. */
export function createSimulatedModel(options: SimulatedModelOptions): LanguageModel {
  const { actor, scheduler, connection, disturbances } = options;
  const { random, now, add } = scheduler;
  const jobOf = connection.prepare<[string], { id: string }>(
    'SELECT job.id FROM ticket JOIN job ON job.id = job_id WHERE ticket_id = ?',
  );
  const paid = new Map<string, number>();

  return {
    model: 'gpt-6-luna',
    costUsd: () => 0.0001,
    probe: async () => undefined,
    complete: (prompt, signal) =>
      new Promise((resolve, reject) => {
        const asked = [...prompt.user.matchAll(/Message (\d+) of (\d+)/g)];
        const ticketId = asked[0]?.[2] ?? '';
        const newest = Math.max(...asked.map(([, number]) => Number(number)));
        const job = jobOf.get(ticketId);
        const what = kindOf(prompt);
        const key = `${job?.id} up to message ${newest}, ${what}`;
        if (paid.get(key) === disturbances.count) options.report(`the ${what} of ${ticketId}, ${key}, is bought twice`);
        scheduler.note(`${actor.name}: asks the model for a ${what} of ${ticketId}`);
        signal.addEventListener('abort', () => reject(new LanguageModelError('cancelled', 'Stopped.')), { once: true });
        const after = 1 + Math.round(random() * (random() < 0.1 ? 15_000 : 2_000));
        const errorClass =
          random() < options.faultRate() ? FAILURES[Math.floor(random() * FAILURES.length)] : undefined;
        add(actor, now() + after, `the model on ${ticketId}: ${errorClass ?? what}`, () => {
          if (errorClass !== undefined) return reject(new LanguageModelError(errorClass, 'It failed.'));
          if (!signal.aborted && now() !== disturbances.wokeAt) paid.set(key, disturbances.count);
          resolve(what === 'review' ? makeCompletion({ text: verdict(random()) }) : makeCompletion());
        });
      }),
  };
}

function kindOf({ schema, user }: Prompt): 'draft' | 'review' | 'revision' {
  if (schema.name === 'review') return 'review';
  return user.includes('<problems>') ? 'revision' : 'draft';
}

/** Half of them object: what comes after that is what may go wrong. */
function verdict(chance: number): string {
  const grounded = chance < 0.5;
  return JSON.stringify({ grounded, complete: true, tone: true, problems: grounded ? [] : ['It promises too much.'] });
}
