import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandError, EXIT } from './command-error.ts';

/** Questions to the person at the terminal. Every method throws `CommandError` when that person leaves (Ctrl-C, Ctrl-D). */
export interface Asker extends Disposable {
  /** Enter alone takes `fallback`. */
  text(question: string, fallback?: string): Promise<string>;
  /** What is typed is not shown. */
  secret(question: string): Promise<string>;
  confirm(question: string): Promise<boolean>;
  choose(question: string, choices: readonly string[]): Promise<string>;
}

/** Somebody can answer: neither a pipe nor a script. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** On stderr, so that stdout stays clean for what the command answers. */
export function createAsker(): Asker {
  let silent = false;
  const screen = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (!silent) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output: screen, terminal: true, historySize: 0 });
  const left = new AbortController();
  lines.on('close', () => left.abort());

  const line = async (question: string): Promise<string> => {
    try {
      return (await lines.question(question, { signal: left.signal })).trim();
    } catch (error) {
      process.stderr.write('\n');
      throw new CommandError('Stopped; nothing more was changed.', EXIT.interrupted, { cause: error });
    }
  };
  const text: Asker['text'] = async (question, fallback) => {
    const answer = await line(`${question}${fallback === undefined ? '' : ` [${fallback}]`}: `);
    return answer === '' ? (fallback ?? '') : answer;
  };

  return {
    text,
    secret: async (question) => {
      process.stderr.write(`${question} (not shown): `);
      silent = true;
      try {
        return await line('');
      } finally {
        silent = false;
        process.stderr.write('\n');
      }
    },
    confirm: async (question) => /^(y|yes|)$/i.test(await line(`${question} [Y/n] `)),
    choose: async (question, choices) => {
      for (;;) {
        const answer = await text(`${question} (${choices.join(', ')})`, choices[0]);
        if (choices.includes(answer)) return answer;
      }
    },
    [Symbol.dispose]: () => lines.close(),
  };
}
