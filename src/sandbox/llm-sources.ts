import type { Random } from '../core/clock.ts';

/** A text in a prompt that has an id to be cited by. */
export interface ReadSource {
  readonly id: string;
  readonly url: string | null;
  readonly text: string;
}

/** What a prompt marks: an element with an id of a letter and a number. */
const CITABLE = /<([a-z]+)((?: [a-z-]+="[^"]*")*? id="([A-Z]\d{1,3})"(?: [a-z-]+="[^"]*")*)>\n([^]*?)\n<\/\1>/g;

/** Finds citable texts without knowing how the prompt is built, and the prompt without them. */
export function readSources(userMessage: string): { readonly sources: readonly ReadSource[]; readonly rest: string } {
  const sources = Array.from(userMessage.matchAll(CITABLE), ([, , attributes = '', id = '', text = '']) => ({
    id,
    url: / url="([^"]*)"/.exec(attributes)?.[1] ?? null,
    text,
  }));
  return { sources, rest: userMessage.replaceAll(CITABLE, '') };
}

export interface Cited {
  readonly claim: string;
  readonly source: string | null;
  readonly quote: string | null;
}

const INVENTED = 'This is what the manual of the newest version says about it.';

/** A sentence out of the first source that has one; under faults sometimes one that stands nowhere. */
export function cite(sources: readonly ReadSource[], random: Random, careless: boolean): Cited | null {
  for (const { id, text } of sources) {
    const sentences = text.split(/(?<=[.!?。])\s+|\n+/).filter((sentence) => isQuotable(sentence));
    const quote = sentences[Math.floor(random() * sentences.length)]?.trim();
    if (quote === undefined) continue;
    const claim = quote.split(/\s+/).slice(0, 12).join(' ').slice(0, 120);
    return { claim, source: id, quote: careless && random() < 0.1 ? INVENTED : quote };
  }
  return null;
}

function isQuotable(sentence: string): boolean {
  return !sentence.includes('[…]') && sentence.length <= 300 && (sentence.match(/[\p{L}\p{N}]+/gu) ?? []).length >= 5;
}
