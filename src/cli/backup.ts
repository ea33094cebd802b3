import { createWriteStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { databasePathOf } from '../config.ts';
import type { StoreReport } from '../core/store-report.ts';
import { backUpFile, inspectFile } from '../maintenance.ts';
import { CommandError, EXIT, guarded, systemCode } from './command-error.ts';
import { readEnvironment } from './environment.ts';
import { formatCount } from './progress-view.ts';
import { connect, ServiceUnreachable } from './service-client.ts';

const HELP = `
The running service makes the copy and sends it, wherever it runs. When none
answers at the usual address, the file of DATABASE_URL is copied as it lies
there. The backup holds everything: texts, drafts, and the key of the notes.

Example:
  $ draftdesk backup /backups/draftdesk-$(date +%F).db`;

interface BackupOptions {
  readonly force?: true;
}

export function backupCommand(): Command {
  return new Command('backup')
    .description('Copies the database of a running service (or of a stopped one) into a file, and checks the copy.')
    .argument('<file>', 'where the backup goes; one that is there is kept')
    .option('--force', 'replace the file')
    .addHelpText('after', HELP)
    .action(guarded(backUp));
}

async function backUp(file: string, { force }: BackupOptions): Promise<number> {
  const target = resolve(file);
  if (existsSync(target) && force !== true) {
    throw new CommandError(`${file} is there already: choose another name, or replace it with --force.`, EXIT.usage);
  }
  // under its name only when it is whole: what a cut leaves behind looks like no backup
  const part = `${target}.part`;
  try {
    const from = await fetchCopy(part);
    const { bytes, tickets } = await check(part);
    await settle(part, target);
    const size = `${(bytes / 1e6).toFixed(1)} MB, ${formatCount(tickets)} tickets`;
    process.stdout.write(`${file}: backup of ${from}, ${size}, checked.\n`);
    return 0;
  } catch (error) {
    throw asCommandError(error, file);
  } finally {
    for (const suffix of ['', '-wal', '-shm']) await rm(part + suffix, { force: true });
  }
}

/** Answers where the copy came from. */
async function fetchCopy(part: string): Promise<string> {
  const env = readEnvironment();
  const isAddressed = Boolean(env['DRAFTDESK_URL']);
  if (!env['ADMIN_TOKEN'] && !isAddressed) return await copyFile(part);
  try {
    await download(part);
    return 'the running service';
  } catch (error) {
    if (isAddressed || !(error instanceof ServiceUnreachable) || !error.isSilent) throw error;
    return await copyFile(part);
  }
}

async function download(part: string): Promise<void> {
  const { bytes, body } = await connect().download('/admin/backup');
  await rm(part, { force: true });
  const file = createWriteStream(part, { mode: 0o600, flags: 'wx' });
  try {
    await pipeline(Readable.fromWeb(body), file);
  } catch (error) {
    const code = systemCode(error);
    if (code.startsWith('E')) throw error;
    throw new ServiceUnreachable('The connection broke in the middle of the backup.', EXIT.failed, { cause: error });
  }
  if (file.bytesWritten !== bytes) throw new ServiceUnreachable('The connection broke in the middle of the backup.');
}

async function copyFile(part: string): Promise<string> {
  const path = databasePathOf(readEnvironment());
  if (!existsSync(path)) throw new CommandError(`There is no database at ${path}: check DATABASE_URL.`, EXIT.config);
  await backUpFile(path, part);
  return path;
}

async function check(part: string): Promise<StoreReport> {
  const report = await inspectFile(part);
  if (report.integrity === 'ok') return report;
  throw new CommandError(
    'The database is damaged, and so is its copy: keep the backups you have. See draftdesk doctor.',
  );
}

/** On the disk, not only in the system's memory, before it has its name. */
async function settle(part: string, target: string): Promise<void> {
  const file = await open(part, 'r+');
  await file.sync();
  await file.close();
  await rename(part, target);
}

function asCommandError(error: unknown, file: string): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error;
  if (error.name === 'DatabaseRefused') {
    const hint = error.message.includes('in use')
      ? ' Or set DRAFTDESK_URL and ADMIN_TOKEN to have it make the backup.'
      : '';
    return new CommandError(error.message + hint);
  }
  const code = systemCode(error);
  if (!code.startsWith('E')) return error;
  return new CommandError(
    `${file} cannot be written (${code}): check the folder ${dirname(resolve(file))} and its space.`,
  );
}
