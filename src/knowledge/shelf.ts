import { createWordIndex, type WordIndex } from './word-index.ts';

/** Rows of a table that are found by words, with what is known of each without asking the table. */
export interface Shelf<Facts> {
  readonly index: WordIndex;
  /** The table may give out the number of a row again that is gone: from now on it means this text. */
  add(row: number, packed: Buffer, facts: Facts): void;
  remove(row: number): void;
  /** Of the text with this number in the index; undefined when it is gone. */
  at(document: number): { readonly row: number; readonly facts: Facts } | undefined;
  /** Of the text that this row has now; undefined when there is none. */
  of(row: number): { readonly document: number; readonly facts: Facts } | undefined;
  /** Changes with every change. */
  revision(): number;
  isEmpty(): boolean;
  /** So much of the index is of rows that are gone that it should be made anew. */
  isWorn(): boolean;
}

/** Fewer texts that are gone than this disturb nobody. */
const GONE_MIN = 1000;

export function createShelf<Facts>(): Shelf<Facts> {
  const index = createWordIndex();
  const rows: number[] = [];
  const live = new Map<number, { readonly document: number; readonly facts: Facts }>();
  let revision = 0;
  return {
    index,
    add: (row, packed, facts) => {
      const document = index.add(packed);
      rows[document] = row;
      live.set(row, { document, facts });
      revision += 1;
    },
    remove: (row) => {
      if (live.delete(row)) revision += 1;
    },
    at: (document) => {
      const row = rows[document] ?? -1;
      const text = live.get(row);
      return text?.document === document ? { row, facts: text.facts } : undefined;
    },
    of: (row) => live.get(row),
    revision: () => revision,
    isEmpty: () => live.size === 0,
    isWorn: () => rows.length - live.size > live.size + GONE_MIN,
  };
}
