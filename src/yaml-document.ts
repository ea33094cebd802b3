import { isMap, isNode, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { z } from 'zod';

/** A file may name an anchor that often: enough to share a list, too little to blow one up. */
const ALIASES_MAX = 100;
/** Unknown keys of one mapping that are named: each is looked up for its line. */
const KEYS_MAX = 50;

/** What is wrong with a file: a sentence, and where it is, 1-based; null: all of it. */
export interface Mistake {
  readonly line: number | null;
  readonly text: string;
}

/** What a YAML file holds: every scalar is the text that stands there. */
export interface YamlDocument {
  readonly value: unknown;
  /** 1-based line of what stands at a path, or of what is nearest above it. `key`: of that key in the mapping there. */
  readonly lineOf: (path: readonly PropertyKey[], key?: string) => number;
}

/**
 * Reads one YAML 1.2 document without guessing types: ids, tags and words stay as they are written. Never throws.
 */
export function readYaml(
  text: string,
): { readonly document: YamlDocument } | { readonly mistakes: readonly Mistake[] } {
  const lineCounter = new LineCounter();
  const lineAt = (offset: number): number => lineCounter.linePos(offset).line;
  try {
    const document = parseDocument(text, { schema: 'failsafe', lineCounter, prettyErrors: false, uniqueKeys: true });
    const wrong = [...document.errors, ...document.warnings];
    // the first of a line: the others are what it led to
    const ofLine = new Map(wrong.toReversed().map(({ pos, message }) => [lineAt(pos[0]), message]));
    if (wrong.length > 0) return { mistakes: [...ofLine].map(([line, message]) => ({ line, text: message })) };
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    const offsetOf = (node: unknown): number | null =>
      isNode(node) ? ((node as ParsedNode).range?.[0] ?? null) : null;
    return {
      document: {
        value,
        lineOf: (path, key) => {
          for (let length = path.length; length >= 0; length -= 1) {
            const node = document.getIn(path.slice(0, length), true);
            const pair = isMap(node)
              ? node.items.find((item) => isScalar(item.key) && item.key.value === key)
              : undefined;
            const offset = offsetOf(pair?.key ?? node);
            if (offset !== null) return lineAt(offset);
          }
          return 1;
        },
      },
    };
  } catch (error) {
    // too many aliases, or nested deeper than the parser can go
    const why = error instanceof RangeError ? 'it is nested too deeply' : 'its anchors and aliases come to too much';
    return { mistakes: [{ line: null, text: `the file is no YAML that can be read: ${why}` }] };
  }
}

/** What zod has found, with lines, and with what was probably meant. `known`: the keys of the mapping at a path. */
export function mistakesIn(
  { issues }: z.ZodError,
  { lineOf }: YamlDocument,
  known: (path: readonly PropertyKey[]) => readonly string[],
): readonly Mistake[] {
  return issues.flatMap((issue) => {
    const { path } = issue;
    if (issue.code !== 'unrecognized_keys') return [{ line: lineOf(path), text: placeOf(path) + issue.message }];
    return issue.keys.slice(0, KEYS_MAX).map((key) => ({
      line: lineOf(path, key),
      text: `${placeOf(path)}${quoted(key)} is not known${didYouMean(key, known(path))}`,
    }));
  });
}

/** `rules[2].when.tag: `, counted from 1 as people do. */
function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '';
  const place = path.map((part) => (typeof part === 'number' ? `[${part + 1}]` : `.${String(part)}`)).join('');
  return `${place.slice(1)}: `;
}

const QUOTED_MAX_CHARACTERS = 60;

export function quoted(text: string): string {
  return `“${text.slice(0, QUOTED_MAX_CHARACTERS)}”`;
}

/** The known word that is nearest to a wrong one, as the end of a sentence; empty when none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const limit = word.length < 4 ? 1 : 2;
  const near = known
    .map((name) => ({
      name,
      changes: changesBetween(word.toLowerCase().slice(0, QUOTED_MAX_CHARACTERS), name.toLowerCase()),
    }))
    .filter(({ changes }) => changes <= limit)
    .toSorted((one, other) => one.changes - other.changes)[0];
  return near === undefined ? `; known: ${known.join(', ')}` : `: did you mean ${quoted(near.name)}?`;
}

/** Letters to change, add or take out (Levenshtein, 1965). */
function changesBetween(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1] ? 0 : 1;
      const changed = (above[column - 1] ?? 0) + same;
      current.push(Math.min(changed, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[other.length] ?? 0;
}
