import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import type { Backup, MakeBackup } from '../core/backup.ts';
import { RequestError } from '../core/errors.ts';
import { OutboxUnavailable } from '../core/outbox.ts';
import type { Connection } from './database.ts';
import { setRunning } from './database.ts';

/** What the service itself needs beside a copy that is being made, bytes. */
const ROOM_TO_WORK = 32 * 1024 * 1024;
/** Pages (4 KiB) between two turns of the event loop: 2 ms here. */
const PAGES_AT_ONCE = 128;

/** Copies of the open database, made in a file beside it that is never left behind. */
export function createBackups(connection: Connection): MakeBackup {
  const copy = `${connection.name}-backup`;
  let busy = false;
  // what a process that was killed has left
  if (connection.name !== ':memory:') rmSync(copy, { force: true });

  const make = async (): Promise<Backup> => {
    connection.disk.assertSound();
    assertRoom(connection);
    try {
      await copyDatabase(connection, copy);
      const file = await open(copy);
      const { size } = await file.stat();
      return { bytes: size, stream: streamOf(file, () => discard(copy)) };
    } catch (error) {
      discard(copy);
      // the fault of the copy, not of the store: nothing has happened to that
      throw error instanceof Database.SqliteError
        ? new OutboxUnavailable(`no copy can be written (${error.code})`, { cause: error })
        : error;
    }
  };
  return async () => {
    if (busy) throw new RequestError('conflict', 'Another backup is being made.');
    busy = true;
    try {
      return await make();
    } finally {
      busy = false;
    }
  };
}

/** One file that needs no log beside it, readable by its owner only. Replaces what is there. */
export async function copyDatabase(connection: Database.Database, to: string): Promise<void> {
  rmSync(to, { force: true });
  writeFileSync(to, '', { mode: 0o600 });
  await connection.backup(to, { progress: () => PAGES_AT_ONCE });
  const made = new Database(to);
  try {
    made.pragma('journal_mode = DELETE');
    // it was in use when it was copied, but its log is not missing
    setRunning(made, '0');
  } finally {
    made.close();
  }
}

function assertRoom(connection: Connection): void {
  const pages = Number(connection.pragma('page_count', { simple: true }));
  const needed = pages * Number(connection.pragma('page_size', { simple: true })) + ROOM_TO_WORK;
  const { bavail, bsize } = statfsSync(dirname(connection.name));
  if (bavail * bsize >= needed) return;
  const mb = Math.ceil(needed / 1e6);
  throw new RequestError('unavailable', `A backup needs ${mb} MB of free space beside the database for a moment.`);
}

function discard(copy: string): void {
  try {
    rmSync(copy, { force: true });
  } catch {
    // Windows keeps a file that is open; the next backup, or the next start, removes it
  }
}

/** Reads no more than is asked for: a slow reader costs one chunk of memory. */
function streamOf(file: FileHandle, onEnd: () => void): ReadableStream<Uint8Array> {
  // the name goes at once, the bytes with the last reader
  if (process.platform !== 'win32') onEnd();
  const end = async (): Promise<void> => {
    await file.close();
    onEnd();
  };
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, null);
        if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
        await end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

const CHUNK_BYTES = 256 * 1024;
