import { visibleText } from '../core/visible-text.ts';

/** One line of what strangers wrote, for a terminal. */
export function shown(text: string): string {
  return visibleText(text).replaceAll('\n', ' ');
}

/** A line of JSON that says the same and does nothing to a terminal. */
export function jsonLine(value: unknown): string {
  const escaped = JSON.stringify(value).replaceAll(
    /[\p{Default_Ignorable_Code_Point}\p{Cf}\u007f-\u009f\u2028\u2029]/gu,
    (character) => character.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
  return `${escaped}\n`;
}
