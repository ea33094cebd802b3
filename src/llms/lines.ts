/** One line of a text file, without its end. */
export interface TextLine {
  /** 1-based. */
  readonly number: number;
  /** Null: longer than allowed. */
  readonly text: string | null;
}

/** The lines of a file as its bytes arrive; holds no more than one line of `maxCharacters`. Skips empty ones. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxCharacters: number): AsyncGenerator<TextLine> {
  const decoder = new TextDecoder();
  let number = 1;
  let rest = '';
  let tooLong = false;

  const finish = (end: string): TextLine | null => {
    const text = rest + end;
    const line: TextLine = { number, text: tooLong || text.length > maxCharacters ? null : text };
    number += 1;
    rest = '';
    tooLong = false;
    return line.text?.trim() === '' ? null : line;
  };
  const keep = (part: string): void => {
    if (rest.length + part.length > maxCharacters) tooLong = true;
    rest = tooLong ? '' : rest + part;
  };

  for await (const chunk of chunks) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    const last = parts.pop() ?? '';
    for (const part of parts) {
      const line = finish(part);
      if (line !== null) yield line;
    }
    keep(last);
  }
  const line = finish(decoder.decode());
  if (line !== null) yield line;
}
