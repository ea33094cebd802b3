import { estimateTokenCount } from 'tokenx';

/**
 * tokenx takes long lower-case words for cheap and names, codes and accented words for cheaper than they are. Measured
 * against o200k_base on 9,023 tickets in 20 languages (shared/data); first match wins, per word.
 */
const CHARACTERS_PER_TOKEN = [
  // digits and letters, looked for once from the start: `\d\S*[A-Za-z]` takes 17 s for a word of 200,000 letters
  { pattern: /^(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])/, averageCharsPerToken: 1.7 },
  { pattern: /[a-z][A-Z]/, averageCharsPerToken: 2.5 },
  { pattern: /^[A-Z]{4,}$/, averageCharsPerToken: 2.3 },
  { pattern: /^[A-Za-z]{25,}$/, averageCharsPerToken: 2 },
  { pattern: /[\u0080-\u024F]/, averageCharsPerToken: 2.8 },
  { pattern: /[\u0370-\u052F]/, averageCharsPerToken: 3 },
  { pattern: /[\u0530-\u1FFF]/, averageCharsPerToken: 1.6 },
  { pattern: /\p{Extended_Pictographic}/u, averageCharsPerToken: 0.45 },
];

/**
 * Tokens that a model counts for a text, rather too many than too few. Of the 9,024 prompts made from those tickets, the
 * estimate was 14 % above the real count in the middle, and below it in 0.1 %.
 */
export function estimateTokens(text: string): number {
  return estimateTokenCount(text, { defaultCharsPerToken: 4.5, languageConfigs: CHARACTERS_PER_TOKEN });
}
