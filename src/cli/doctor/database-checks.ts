import { existsSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { databasePathOf } from '../../config.ts';
import { type Finding, ok, problem, warning } from '../../core/finding.ts';
import type { StoreReport } from '../../core/store-report.ts';
import { inspectFile } from '../../maintenance.ts';
import { CommandError } from '../command-error.ts';
import { connect } from '../service-client.ts';
import type { Check } from './check.ts';

const ABOUT = 'database';

export const database: Check = async ({ env, readiness }) => {
  let path: string;
  try {
    path = databasePathOf(env);
  } catch {
    // said under settings
    return [];
  }
  const file = statSync(path, { throwIfNoEntry: false });
  const folder = nearestFolder(path);
  const around = [...fileSystem(folder), ...room(folder, file?.size ?? 0)];
  if (file === undefined) return [ok(ABOUT, `${path} is not there yet: the first start makes it`), ...around];
  return [...(await inside(path, readiness !== null)), ...access(file), ...around];
};

/** From the service that has the file, else from the file itself. */
async function inside(path: string, isServed: boolean): Promise<readonly Finding[]> {
  try {
    if (isServed) return describe(await connect().get<StoreReport>('/admin/database'));
    const report = await inspectFile(path);
    if (!report.isLogMissing) return describe(report);
    const text = `was not closed in order, and its log ${path}-wal is missing: what was written last is lost`;
    return [...describe(report), problem(ABOUT, text, 'Put the -wal back before the next start, or restore a backup.')];
  } catch (error) {
    if (!(error instanceof CommandError) && (error as Error).name !== 'DatabaseRefused') throw error;
    const fix = isServed ? 'Set ADMIN_TOKEN to one that the service has.' : 'Do as it says.';
    return [problem(ABOUT, (error as Error).message, fix)];
  }
}

/** The log is cut back to 64 MiB whenever all of it has been merged. */
const LARGE_LOG_BYTES = 256 * 1024 * 1024;

function describe({ path, bytes, walBytes, tickets, schema, integrity }: StoreReport): readonly Finding[] {
  const size = `${megabytes(bytes)}, ${tickets} tickets, schema ${schema}`;
  const found =
    integrity === 'ok'
      ? ok(ABOUT, `${path}: whole, ${size}`)
      : integrity === null
        ? ok(ABOUT, `${path}: ${size}; too large to be read through while it works`)
        : problem(ABOUT, `${path} is damaged`, 'Stop the service, keep the file aside, and restore a backup.');
  if (walBytes < LARGE_LOG_BYTES) return [found];
  const text = `its log has ${megabytes(walBytes)}`;
  return [
    found,
    warning(ABOUT, text, 'Restart the service; if it grows again, see whether another program has the file.'),
  ];
}

function access({ mode, uid }: Stats): readonly Finding[] {
  if (process.platform === 'win32') return [];
  const found: Finding[] = [];
  if ((mode & 0o077) !== 0) {
    found.push(warning('database file', 'other users of this machine may read it', 'chmod 600 on it.'));
  }
  const me = process.getuid?.();
  if (me !== uid && me !== 0) {
    const fix = 'Run as the user that runs the service, or chown the file.';
    found.push(warning('database file', `belongs to another user (uid ${uid})`, fix));
  }
  return found;
}

/** Magic numbers of statfs(2), Linux; on these a write-ahead log breaks, or does not last (reliability.md §d). */
const UNFIT: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x01021997: '9p',
  0x65735546: 'FUSE (virtiofs, sshfs, …)',
  0x794c7630: "overlay (a container's own layer, gone with it)",
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x01021994: 'tmpfs (memory, gone with a reboot)',
};

function fileSystem(folder: string): readonly Finding[] {
  if (process.platform !== 'linux') return [];
  const name = UNFIT[statfsSync(folder).type >>> 0];
  if (name === undefined) return [ok('file system', 'a local disk')];
  const fix = 'Put the database on a local disk or a named volume (DATABASE_URL).';
  return [warning('file system', `${name}: data may be damaged or lost`, fix)];
}

const ROOM_MIN_BYTES = 64 * 1024 * 1024;
const ROOM_WANTED_BYTES = 512 * 1024 * 1024;

/** Also for a backup, which lies beside the file for a moment. */
function room(folder: string, bytes: number): readonly Finding[] {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const text = `${megabytes(free)} free`;
  if (free < ROOM_MIN_BYTES) return [problem('disk', `${text}: webhooks will soon be refused`, 'Make room.')];
  if (free >= Math.max(ROOM_WANTED_BYTES, 1.5 * bytes)) return [ok('disk', text)];
  return [warning('disk', text, 'Make room: a backup and the removal of old texts need it too.')];
}

function nearestFolder(path: string): string {
  let folder = dirname(path);
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

function megabytes(bytes: number): string {
  return bytes >= 10e9 ? `${Math.round(bytes / 1e9)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
