/** Terminal escapes as a whole: without their first character the rest would be left as visible rubbish. */
const TERMINAL_ESCAPE =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /\u001B\][^\u0007\u001B]{0,4096}(?:\u0007|\u001B\\)|(?:\u001B\[|\u009B)[0-?]{0,64}[ -/]{0,8}[@-~]/g;

/**
 * Joins letters in Arabic script, and pictographs: the two places where an invisible joiner is meant to be seen.
 */
const MEANT_JOINER =
  /(?<=\p{Script=Arabic})\u200C(?=\p{Script=Arabic})|(?<=\p{Extended_Pictographic}\uFE0F?)\u200D(?=\p{Extended_Pictographic})/u;

const INVISIBLE = new RegExp(
  `(?<joiner>${MEANT_JOINER.source})|[\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}\\uFFF9-\\uFFFB\\u{13430}-\\u{1343F}]|(?!\\n)\\p{Cc}`,
  'gu',
);

/**
 * A text without what nobody sees but a model or a terminal may obey: controls, terminal escapes, bidi overrides, zero
 * width, variation selectors, the tag block, format characters of hieroglyphs and what is no character at all
 * (reliability.md C7). Line breaks become `\n`, tabs become spaces, lone
 * surrogates U+FFFD.
 */
export function visibleText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(TERMINAL_ESCAPE, '')
    .replaceAll(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replaceAll('\t', ' ')
    .replaceAll(INVISIBLE, (found, joiner: string | undefined) => (joiner === undefined ? '' : found));
}
