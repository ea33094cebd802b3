import { visibleText } from '../core/visible-text.ts';

export const SUBJECT_MAX_CHARACTERS = 300;
const NAME_MAX_CHARACTERS = 80;
/** A line is read further than it may be long: what is hidden in it may take the rest. */
const LINE_READ_CHARACTERS = 4 * SUBJECT_MAX_CHARACTERS;

/** Of one of our marks. */
export function attribute(name: string, value: string, maxCharacters: number = NAME_MAX_CHARACTERS): string {
  return ` ${name}="${oneLine(value, maxCharacters).replaceAll('"', "'")}"`;
}

export function oneLine(value: string, maxCharacters: number): string {
  const line = asData(plainLine(value));
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters).toWellFormed()}…`;
}

export function plainLine(value: string): string {
  return visibleText(value.slice(0, LINE_READ_CHARACTERS)).replaceAll(/\s+/g, ' ').trim();
}

/** Text of strangers, and of models, cannot end or begin any of our marks, however it writes them. */
export function asData(text: string): string {
  return text.replaceAll(
    /[<＜﹤](?=[\s/／]*(?:ticket|subject|message|note|knowledge|passage|draft|proofs|problems|titles)\b)/gi,
    '‹',
  );
}
