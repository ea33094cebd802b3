export interface PastedIds {
  readonly ids: readonly string[];
  /** What is there and is no id, the first few. */
  readonly strange: readonly string[];
}

const STRANGE_SHOWN = 3;
/** Longer words are no ids, and nobody wants to read them again. */
const STRANGE_LENGTH = 30;

/** Ids in a pasted text or a file: between blanks, commas, semicolons, bars or quotes; `#5158` and a ticket's address too. */
export function idsIn(text: string): PastedIds {
  const words = text.split(/[\s,;|"'[\]]+/u).filter((word) => word !== '');
  const ids: string[] = [];
  const strange: string[] = [];
  for (const word of words) {
    const id = /^(?:#|https?:\/\/\S*\/tickets\/)?([1-9]\d{0,19})$/.exec(word)?.[1];
    if (id !== undefined) ids.push(id);
    else if (strange.length < STRANGE_SHOWN) strange.push(word.slice(0, STRANGE_LENGTH));
  }
  return { ids, strange };
}
