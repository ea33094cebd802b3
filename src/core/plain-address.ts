import { visibleText } from './visible-text.ts';

/** A web address without blanks, quotes, brackets, braces, user name, or what nobody sees: safe to make a link of. */
export function isPlainAddress(url: string): boolean {
  return /^https?:\/\/[^\s\\@<>"'`{}/]+(?:\/[^\s\\<>"'`{}]*)?$/i.test(url) && visibleText(url) === url;
}
