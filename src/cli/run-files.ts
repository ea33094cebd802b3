import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandError, EXIT, exitOf, systemCode } from './command-error.ts';
import { formatOf } from './file-records.ts';

/** Beside the answers, so that it is found again. */
export function databaseOf(out: string): string {
  return join(dirname(out), `.${basename(out)}.draftdesk.db`);
}

/** Says no before anything is made. */
export function checkOut(input: string, { out, force }: { readonly out?: string; readonly force?: true }): string {
  if (out === undefined) throw new CommandError('Say where the drafts go: --out FILE (.jsonl or .csv).', EXIT.usage);
  if (formatOf(out) === null) throw new CommandError(`--out ${out} must end with .jsonl, .ndjson or .csv.`, EXIT.usage);
  const folder = dirname(out);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be written (${systemCode(error)})`;
    throw new CommandError(`The folder ${folder} of --out ${why}.`, exitOf(error), { cause: error });
  }
  if (!existsSync(out)) return out;
  const [from, to] = [statSync(input), statSync(out)];
  if (!to.isFile()) throw new CommandError(`--out ${out} is not a file.`);
  if (from.ino === to.ino && from.dev === to.dev) {
    throw new CommandError('--out must be another file than the one that is read.');
  }
  if (to.size > 0 && force !== true && !existsSync(databaseOf(out))) {
    throw new CommandError(
      `${out} exists and ${databaseOf(out)}, which a run could go on from, does not. Choose another --out, or say --force to replace it.`,
    );
  }
  return out;
}
