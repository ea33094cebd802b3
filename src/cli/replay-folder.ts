import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ReplayResult } from '../core/replay-result.ts';
import { CommandError, exitOf, systemCode } from './command-error.ts';

const RESULT = /^run-([0-9a-f]+)\.json$/;
/** They hold what customers wrote. */
const OWNER_ONLY = 0o600;

/** Where replays of one file of tickets are kept, beside one another. */
export interface ReplayFolder {
  readonly knowledgePath: (digest: string) => string;
  /** What a run has drafted and paid for. */
  readonly databasePath: (id: string) => string;
  readonly reportPath: (id: string) => string;
  /** The newest first. Those that cannot be read are left out. */
  results(): readonly ReplayResult[];
  saveResult(result: ReplayResult): void;
  saveReport(id: string, page: string): void;
}

/** Makes the folder, for its owner's eyes only, where there is none. Throws `CommandError`. */
export function openReplayFolder(path: string): ReplayFolder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw refused(path, error);
  }
  const resultPath = (id: string): string => join(path, `run-${id}.json`);
  const reportPath = (id: string): string => join(path, `report-${id}.html`);
  return {
    knowledgePath: (digest) => join(path, `knowledge-${digest}.db`),
    databasePath: (id) => join(path, `run-${id}.db`),
    reportPath,
    results: () =>
      readdirSync(path)
        .flatMap((name) => (RESULT.test(name) ? (readResult(join(path, name)) ?? []) : []))
        .toSorted((a, b) => b.endedAt - a.endedAt),
    saveResult: (result) => write(resultPath(result.id), `${JSON.stringify(result, null, 1)}\n`),
    saveReport: (id, page) => write(reportPath(id), page),
  };
}

function readResult(path: string): ReplayResult | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<ReplayResult> | null;
    const isResult = typeof value?.id === 'string' && typeof value.endedAt === 'number' && Array.isArray(value.tickets);
    return isResult ? (value as ReplayResult) : null;
  } catch {
    return null;
  }
}

/** Beside it first, then in its place. */
function write(path: string, text: string): void {
  const beside = `${path}.tmp`;
  try {
    writeFileSync(beside, text, { mode: OWNER_ONLY });
    chmodSync(beside, OWNER_ONLY);
    renameSync(beside, path);
  } catch (error) {
    throw refused(path, error);
  }
}

function refused(path: string, error: unknown): CommandError {
  return new CommandError(`${path} cannot be written (${systemCode(error)}).`, exitOf(error), { cause: error });
}
