import { writeFileSync } from 'node:fs';
import type { Random } from '../../src/core/clock.ts';
import type { TraceEvent } from './trace.ts';

const SECTOR = 512;

type Change = Extract<TraceEvent, { kind: 'write' | 'truncate' }>;

interface File {
  /** What a power cut leaves for certain. */
  durable: Buffer;
  size: number;
  /** What it may leave or not. */
  pending: Change[];
}

/**
 * A disk that keeps its promises and no more: what was synced is there after a power cut, what was only written may be,
 * in any selection, and torn at sectors. Files are made and removed at once.
 */
export interface Disk {
  apply(event: TraceEvent): void;
  /** Writes what the cut leaves; `torn`: with part of what was not synced. `rename` says where each file goes. */
  cut(rename: (path: string) => string, torn: Random | null): void;
}

export function createDisk(): Disk {
  const files = new Map<string, File>();
  const fileAt = (path: string): File => {
    const file = files.get(path) ?? { durable: Buffer.alloc(0), size: 0, pending: [] };
    files.set(path, file);
    return file;
  };

  return {
    apply(event) {
      switch (event.kind) {
        case 'write':
        case 'truncate':
          fileAt(event.path).pending.push(event);
          break;
        case 'sync': {
          const file = fileAt(event.path);
          for (const change of file.pending) perform(file, change);
          file.pending = [];
          break;
        }
        case 'unlink':
          files.delete(event.path);
          break;
        case 'ack':
          break;
      }
    },
    cut(rename, torn) {
      for (const [path, file] of files) {
        const left: File = torn === null ? file : { ...file, durable: Buffer.from(file.durable), pending: [] };
        if (torn !== null) for (const change of file.pending) if (torn() < 0.5) perform(left, tear(change, torn));
        writeFileSync(rename(path), left.durable.subarray(0, left.size));
      }
    },
  };
}

function perform(file: File, change: Change): void {
  if (change.kind === 'truncate') {
    if (change.size < file.size) file.durable.fill(0, change.size, file.size);
    reserve(file, change.size);
    file.size = change.size;
    return;
  }
  const end = change.offset + change.data.length;
  reserve(file, end);
  change.data.copy(file.durable, change.offset);
  file.size = Math.max(file.size, end);
}

function reserve(file: File, size: number): void {
  if (size <= file.durable.length) return;
  const larger = Buffer.alloc(Math.max(size, file.durable.length * 2));
  file.durable.copy(larger, 0, 0, file.size);
  file.durable = larger;
}

/** Every third write arrives in part. */
function tear(change: Change, random: Random): Change {
  if (change.kind === 'truncate' || random() > 1 / 3) return change;
  const sectors = Math.floor((random() * change.data.length) / SECTOR);
  return { ...change, data: change.data.subarray(0, sectors * SECTOR) };
}
