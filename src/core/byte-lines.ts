/** One line of a stream of bytes. */
export interface ByteLine {
  /** 1-based. */
  readonly number: number;
  /** Where it begins, bytes from the stream's beginning. */
  readonly start: number;
  /** Bytes, its end with it. */
  readonly length: number;
  /** With its end; null: longer than is kept. */
  readonly bytes: Buffer | null;
  /** False: the stream ended within it. */
  readonly ended: boolean;
}

const NEWLINE = 10;
const BOM = Buffer.from('\uFEFF');
/** Bits of a line that are joined before more of them are kept: a line that comes byte by byte must not cost a hundred. */
const BITS_MAX = 1024;

/** Lines as their bytes arrive: a character that two chunks share is never cut, and no more than one line is held. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<ByteLine> {
  let number = 0;
  let start = 0;
  let line = createLine(maxBytes);
  const take = (ended: boolean): ByteLine => {
    number += 1;
    const { bytes, length } = line.end();
    // Windows editors begin with a byte order mark
    const skip = number === 1 && bytes?.subarray(0, BOM.length).equals(BOM) === true ? BOM.length : 0;
    const taken = { number, start: start + skip, length: length - skip, bytes: bytes?.subarray(skip) ?? null, ended };
    start += length;
    line = createLine(maxBytes);
    return taken;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      line.add(chunk.subarray(from, end + 1));
      from = end + 1;
      yield take(true);
    }
    if (from < chunk.length) line.add(chunk.subarray(from));
  }
  if (line.length() > 0) yield take(false);
}

function createLine(maxBytes: number) {
  let length = 0;
  let parts: Uint8Array[] | null = [];
  let bits: Uint8Array[] = [];
  const join = (): void => {
    if (bits.length > 0) parts?.push(bits.length === 1 ? (bits[0] ?? Buffer.alloc(0)) : Buffer.concat(bits));
    bits = [];
  };
  return {
    add: (part: Uint8Array): void => {
      length += part.length;
      if (length > maxBytes) parts = null;
      if (parts === null) bits = [];
      else bits.push(part);
      if (bits.length >= BITS_MAX) join();
    },
    length: () => length,
    end: (): { readonly bytes: Buffer | null; readonly length: number } => {
      join();
      return { bytes: parts === null ? null : Buffer.concat(parts), length };
    },
  };
}

/** Nothing but white space; a line too long to be kept is none. */
export function isBlank({ bytes }: ByteLine): boolean {
  return bytes !== null && bytes.toString('latin1').trim() === '';
}
