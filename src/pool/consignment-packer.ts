import type { BatchLine, BatchModel } from '../core/batch-model.ts';
import type { Clock, NewId } from '../core/clock.ts';
import type { Observer } from '../core/observer.ts';
import { repeat } from './repeat.ts';

/** Of one consignment: its prompts are in memory until it is sent. */
const LINES_MAX = 1_000;
const BYTES_MAX = 8_000_000;
/** Consignments in memory: one that is packed, one that is sent. */
const IN_MEMORY = 2;
/** A consignment that nothing more comes to for so long is sent, ms. */
const IDLE_MS = 2_000;
const LOOK_MS = 500;

export interface Pack {
  readonly key: string;
  readonly batchId: string;
  /** By job id. */
  readonly lines: ReadonlyMap<string, BatchLine>;
}

export interface Packer {
  /** How many lines may be added now. */
  room(): number;
  /** `stored` must be called once the outbox knows of it (or never will): it is not sent before. */
  add(batchId: string, line: BatchLine): { readonly key: string; stored(): void };
  /** It is packed or sent here at this moment. */
  holds(key: string): boolean;
  /** No more lines for so long, ms: the provider's queue is full. */
  hold(ms: number): void;
  start(): void;
  stop(): void;
}

export interface PackerOptions {
  readonly model: Pick<BatchModel, 'lineBytes' | 'maxLines' | 'maxBytes'>;
  /** Resolves when the pack is not needed any more. */
  readonly send: (pack: Pack) => Promise<void>;
  readonly newId: NewId;
  readonly clock: Clock;
  readonly observer: Observer;
}

interface Packing extends Pack {
  readonly lines: Map<string, BatchLine>;
  bytes: number;
  /** Lines whose jobs are not stored as consigned yet. */
  unstored: number;
  /** Steady ms. */
  changedAt: number;
}

/** Gathers prompts of the economy lane into consignments, one of each batch at a time. */
export function createPacker({ model, send, newId, clock, observer }: PackerOptions): Packer {
  const linesMax = Math.min(LINES_MAX, model.maxLines);
  const bytesMax = Math.min(BYTES_MAX, model.maxBytes / IN_MEMORY);
  /** By batch. */
  const open = new Map<string, Packing>();
  const inMemory = new Set<Packing>();
  let heldUntil = 0;
  let cancel = (): void => undefined;

  const isFull = ({ lines, bytes }: Packing): boolean => lines.size >= linesMax || bytes >= bytesMax;

  const begin = (batchId: string): Packing => {
    const key = newId();
    const pack = { key, batchId, lines: new Map(), bytes: 0, unstored: 0, changedAt: clock.steady() };
    open.set(batchId, pack);
    inMemory.add(pack);
    return pack;
  };

  const sendOff = (pack: Packing): void => {
    if (open.get(pack.batchId) === pack) open.delete(pack.batchId);
    void send(pack).finally(() => inMemory.delete(pack));
  };

  const look = (): void => {
    for (const pack of open.values()) {
      if (pack.unstored === 0 && clock.steady() - pack.changedAt >= IDLE_MS) sendOff(pack);
    }
  };

  return {
    room: () => {
      if (clock.steady() < heldUntil) return 0;
      let room = linesMax * IN_MEMORY;
      let bytes = bytesMax * IN_MEMORY;
      for (const pack of inMemory) {
        room -= pack.lines.size;
        bytes -= pack.bytes;
      }
      return bytes <= 0 ? 0 : Math.max(0, room);
    },
    add: (batchId, line) => {
      const pack = open.get(batchId) ?? begin(batchId);
      pack.lines.set(line.customId, line);
      pack.bytes += model.lineBytes(line);
      pack.unstored += 1;
      pack.changedAt = clock.steady();
      // the next line begins another
      if (isFull(pack)) open.delete(batchId);
      const stored = (): void => {
        pack.unstored -= 1;
        pack.changedAt = clock.steady();
        if (pack.unstored === 0 && isFull(pack)) sendOff(pack);
      };
      return { key: pack.key, stored };
    },
    holds: (key) => [...inMemory].some((pack) => pack.key === key),
    hold: (ms) => {
      heldUntil = clock.steady() + ms;
    },
    start: () => {
      cancel = repeat({ clock, observer, where: 'economy packer', everyMs: LOOK_MS }, look);
    },
    stop: () => cancel(),
  };
}
