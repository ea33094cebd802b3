import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { sha256 } from './core/clock.ts';
import type { Rule, RuleConditions, RuleSet } from './core/rules.ts';
import { helpdesks } from './helpdesks/index.ts';
import { GUIDELINES_MAX_CHARACTERS, keysAt, type RulesInFile, rulesShape } from './rules-shape.ts';
import { didYouMean, type Mistake, mistakesIn, quoted, readYaml, type YamlDocument } from './yaml-document.ts';

/** The parser compares every key with every other: 3 s for so much of nothing but keys, minutes for a MiB. */
const FILE_MAX_BYTES = 128 * 1024;
/** More of one kind help nobody. */
const PROBLEMS_MAX = 100;

/** Rules as they are understood, or all that is wrong: sentences, with a line where there is one. */
export type RulesReading = { readonly ruleSet: RuleSet } | { readonly problems: readonly string[] };

/** Reads and checks a file of rules and the guidelines that it names, which lie beside it. Never throws. */
export function readRulesFile(path: string): RulesReading {
  const file = readText(path, FILE_MAX_BYTES);
  if ('problem' in file) return { problems: [`the file ${file.problem}`] };
  const yaml = readYaml(file.text);
  if ('mistakes' in yaml) return { problems: told(yaml.mistakes) };
  const { document } = yaml;
  const parsed = rulesShape.safeParse(document.value);
  if (!parsed.success) return { problems: told(mistakesIn(parsed.error, document, keysAt)) };
  const mistakes: Mistake[] = [];
  const rules = parsed.data.rules.map((rule, index) =>
    ruleOf(rule, { index, document, folder: dirname(path), mistakes }),
  );
  mistakes.push(...crossed(parsed.data, document));
  if (mistakes.length > 0) return { problems: told(mistakes) };
  const { categories } = parsed.data;
  return { ruleSet: { version: sha256(JSON.stringify({ categories, rules })).slice(0, 12), categories, rules } };
}

/** In the order of the file, each once. */
function told(mistakes: readonly Mistake[]): readonly string[] {
  const inOrder = mistakes.toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0));
  const problems = [...new Set(inOrder.map(({ line, text }) => (line === null ? text : `line ${line}: ${text}`)))];
  if (problems.length <= PROBLEMS_MAX) return problems;
  return [...problems.slice(0, PROBLEMS_MAX), `and ${problems.length - PROBLEMS_MAX} more`];
}

interface Place {
  readonly index: number;
  readonly document: YamlDocument;
  readonly folder: string;
  readonly mistakes: Mistake[];
}

function ruleOf(rule: RulesInFile['rules'][number], { index, document, folder, mistakes }: Place): Rule {
  const { name, when, action, percent, control, guidelines, guidelinesFile } = rule;
  const wrong = (key: string, what: string): void => {
    mistakes.push({ line: document.lineOf(['rules', index], key), text: `rule ${quoted(name)}: ${what}` });
  };
  if (guidelines !== undefined && guidelinesFile !== undefined) {
    wrong('guidelinesFile', 'guidelines stand in the file or in guidelinesFile, not in both');
  }
  let filed = '';
  if (guidelinesFile !== undefined) {
    const file = readText(resolve(folder, guidelinesFile), 4 * GUIDELINES_MAX_CHARACTERS);
    if ('problem' in file) wrong('guidelinesFile', `guidelinesFile ${file.problem}`);
    else if (file.text.length > GUIDELINES_MAX_CHARACTERS) wrong('guidelinesFile', `guidelinesFile ${TOO_LONG}`);
    else filed = file.text;
  }
  if (action === 'off') {
    if (control > 0) wrong('control', 'off has no control group: nobody gets anything');
    if (guidelines !== undefined) wrong('guidelines', 'off needs no guidelines: nothing is written');
    if (guidelinesFile !== undefined) wrong('guidelinesFile', 'off needs no guidelines: nothing is written');
  }
  // keys that are not given are not there: the rules are compared by what they hold
  const conditions = Object.fromEntries(Object.entries(when).filter(([, values]) => values !== undefined));
  return {
    name,
    when: conditions as RuleConditions,
    action,
    guidelines: (guidelines ?? filed).trim(),
    percent,
    control,
  };
}

const TOO_LONG = `has more than ${GUIDELINES_MAX_CHARACTERS} characters`;

/** What no part shows by itself: names twice or unknown, and rules that no ticket can reach. */
function crossed({ rules, categories }: RulesInFile, { lineOf }: YamlDocument): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const twice = (list: 'rules' | 'categories', names: readonly string[]): void =>
    names.forEach((name, index) => {
      if (names.indexOf(name) < index)
        mistakes.push({
          line: lineOf([list, index, 'name']),
          text: `${quoted(name)} is the name of an earlier one too`,
        });
    });
  twice(
    'rules',
    rules.map(({ name }) => name),
  );
  const known = categories.map(({ name }) => name);
  twice('categories', known);
  let last: string | null = null;
  const installed = helpdesks.map(({ name }) => name);
  rules.forEach(({ name, when, percent }, index) => {
    const unknown = (key: 'helpdesk' | 'category', names: readonly string[]): void => {
      for (const given of when[key] ?? []) {
        if (names.includes(given)) continue;
        const meant = names.length === 0 ? ': the file has no categories' : didYouMean(given, names);
        mistakes.push({
          line: lineOf(['rules', index, 'when', key]),
          text: `there is no ${key} ${quoted(given)}${meant}`,
        });
      }
    };
    unknown('helpdesk', installed);
    unknown('category', known);
    if (last !== null)
      mistakes.push({
        line: lineOf(['rules', index]),
        text: `rule ${quoted(name)} is never reached: ${quoted(last)} before it takes every ticket`,
      });
    else if (percent === 100 && Object.values(when).every((values) => values === undefined)) last = name;
  });
  return mistakes;
}

function readText(path: string, maxBytes: number): { readonly text: string } | { readonly problem: string } {
  try {
    const found = statSync(path);
    if (!found.isFile()) return { problem: 'is no file' };
    if (found.size > maxBytes) return { problem: `has more than ${Math.round(maxBytes / 1024)} KiB` };
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) };
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'is not UTF-8' };
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` };
  }
}
