import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RuleSet } from '../../src/core/rules.ts';
import { readRulesFile } from '../../src/rules-file.ts';

const GOOD = `# rules of a shop
categories:
  - name: refund
    description: The customer wants money back.
rules:
  - name: refunds
    when: { category: refund, brand: 360000123456789012345 }
    action: hold
    guidelines: |
      Never name a sum.
  - name: vip
    when:
      helpdesk: Zendesk
      tag: [VIP, 007, true]
      language: pt_BR
      priority: [urgent, high]
    action: draft
    guidelinesFile: vip.md
    percent: 12.5
    control: 10
  - name: rest
    action: off
`;

describe('the file of rules', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    writeFileSync(join(folder, 'vip.md'), 'Call them by name.\n');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const read = (text: string | Uint8Array): ReturnType<typeof readRulesFile> => {
    writeFileSync(join(folder, 'rules.yaml'), text);
    return readRulesFile(join(folder, 'rules.yaml'));
  };
  const good = (text: string): RuleSet => {
    const reading = read(text);
    if ('problems' in reading) throw new Error(reading.problems.join('\n'));
    return reading.ruleSet;
  };
  const problems = (text: string | Uint8Array): readonly string[] => {
    const reading = read(text);
    return 'problems' in reading ? reading.problems : [];
  };
  const rule = (text: string): string => `rules:\n  - name: one\n    action: draft\n    ${text}\n`;

  it('is understood as it stands: ids and tags stay the text that they are', () => {
    const { rules, categories, version } = good(GOOD);
    expect(version).toMatch(/^[0-9a-f]{12}$/);
    expect(categories).toEqual([{ name: 'refund', description: 'The customer wants money back.' }]);
    expect(rules).toEqual([
      {
        name: 'refunds',
        when: { category: ['refund'], brand: ['360000123456789012345'] },
        action: 'hold',
        guidelines: 'Never name a sum.',
        percent: 100,
        control: 0,
      },
      {
        name: 'vip',
        when: { helpdesk: ['zendesk'], tag: ['vip', '007', 'true'], language: ['pt-br'], priority: ['urgent', 'high'] },
        action: 'draft',
        guidelines: 'Call them by name.',
        percent: 12.5,
        control: 10,
      },
      { name: 'rest', when: {}, action: 'off', guidelines: '', percent: 100, control: 0 },
    ]);
  });

  it('has a version that changes with what it says and with the files that it names, not with comments', () => {
    const before = good(GOOD).version;
    expect(good(`${GOOD}# and no more\n`).version).toBe(before);
    expect(good(GOOD.replace('12.5', '13')).version).not.toBe(before);
    writeFileSync(join(folder, 'vip.md'), 'Call them by their title.');
    expect(good(GOOD).version).not.toBe(before);
  });

  it('says every mistake with its line and what was probably meant', () => {
    expect(
      problems(`rules:
  - name: one
    wen: { tag: vip }
    action: drafts
  - name: one
    when:
      tags: vip
      priority: critical
      language: 5
    action: off
    percent: 101
  - nam: x
guidelines: 5
`),
    ).toEqual([
      'line 3: rules[1]: “wen” is not known: did you mean “when”?',
      'line 4: rules[1].action: must be one of off, finding, draft, hold',
      'line 7: rules[2].when: “tags” is not known: did you mean “tag”?',
      'line 8: rules[2].when.priority[1]: must be one of urgent, high, normal, low',
      'line 9: rules[2].when.language[1]: must be a language tag, e.g. de or pt-BR',
      'line 11: rules[2].percent: must be a number from 0 to 100, e.g. 25',
      'line 12: rules[3].name: must be a name',
      'line 12: rules[3].action: must be one of off, finding, draft, hold',
      'line 12: rules[3]: “nam” is not known: did you mean “name”?',
      'line 13: “guidelines” is not known; known: categories, rules',
    ]);
  });

  it('says what no part shows by itself', () => {
    const text = `rules:
  - name: one
    when: { helpdesk: zendesc, category: refund }
    action: draft
  - name: one
    action: off
    control: 5
    guidelines: x
  - name: two
    action: draft
    guidelines: x
    guidelinesFile: ../none.md
`;
    expect(problems(text)).toEqual([
      'line 3: there is no helpdesk “zendesc”: did you mean “zendesk”?',
      'line 3: there is no category “refund”: the file has no categories',
      'line 5: “one” is the name of an earlier one too',
      'line 7: rule “one”: off has no control group: nobody gets anything',
      'line 8: rule “one”: off needs no guidelines: nothing is written',
      'line 9: rule “two” is never reached: “one” before it takes every ticket',
      'line 12: rule “two”: guidelines stand in the file or in guidelinesFile, not in both',
      'line 12: rule “two”: guidelinesFile cannot be read (ENOENT)',
    ]);
  });

  it.each([
    ['an empty file', '', /the file must be a mapping/],
    ['a list', '- a\n', /the file must be a mapping/],
    ['two documents', 'rules: []\n---\nrules: []\n', /line 2: /],
    ['tabs', 'rules:\n\t- name: x\n', /line 2: .*tab/i],
    ['a key twice', 'rules: []\nrules: []\n', /line 2: .*unique/],
    ['a tag of code', 'rules: !!js/function "x"\n', /line 1: /],
    ['a broken end', 'rules: [', /line 1: /],
    ['a list for a name', 'rules:\n  - name: [x]\n    action: draft\n', /line 2: rules\[1\]\.name: must be a name/],
    ['a mapping for a word', rule('when: { tag: { a: b } }'), /when\.tag\[1\]: must be a word/],
    ['a word for a mapping', rule('when: vip'), /when: must be a mapping/],
    ['an empty list', rule('when: { tag: [] }'), /when\.tag: must not be an empty list/],
    ['a prototype', rule('when: { __proto__: x }'), /“__proto__” is not known/],
    ['a merge key', 'a: &a { x: y }\nrules:\n  - <<: *a\n', /“<<” is not known/],
    ['a line break in a name', 'rules:\n  - name: "a\\nb"\n    action: off\n', /rules\[1\]\.name: must be 1 to 60/],
    ['a folder of guidelines', rule('guidelinesFile: .'), /guidelinesFile is no file/],
    ['the reserved category', 'categories: [{ name: none, description: x }]\nrules: []\n', /must not be “none”/],
    ['latin-1', Buffer.from('rules: [] # \xe9', 'latin1'), /the file is not UTF-8/],
    ['2 MiB', `rules: []\n${'#'.repeat(2 * 1024 * 1024)}`, /the file has more than 128 KiB/],
  ])('refuses %s', (_, text, wanted) => {
    expect(problems(text).join('\n')).toMatch(wanted);
  });

  it('is not blown up by aliases of aliases', () => {
    const levels = Array.from(
      { length: 9 },
      (_, n) => `l${n + 1}: &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`,
    );
    const text = `l0: &l0 [lol, lol, lol]\n${levels.join('\n')}\nrules: *l9\n`;
    expect(problems(text)).toEqual([expect.stringMatching(/anchors and aliases come to too much/)]);
    const shared = `rules:\n  - name: one\n    when: { tag: &vip [vip, gold] }\n    action: off\n  - name: two\n    when: { tag: *vip, channel: web }\n    action: hold\n`;
    expect(good(shared).rules[1]?.when).toEqual({ tag: ['vip', 'gold'], channel: ['web'] });
  });

  it('is not felled by nesting, and names no more mistakes than help', () => {
    expect(problems('['.repeat(200_000))).toHaveLength(1);
    const many = problems(`rules:\n${'  - nothing: here\n'.repeat(150)}`);
    expect(many).toHaveLength(101);
    expect(many.at(-1)).toMatch(/^and \d+ more$/);
  });

  it('is told when it is not there, or is a folder', () => {
    mkdirSync(join(folder, 'sub'));
    expect(readRulesFile(join(folder, 'none.yaml'))).toEqual({ problems: ['the file cannot be read (ENOENT)'] });
    expect(readRulesFile(join(folder, 'sub'))).toEqual({ problems: ['the file is no file'] });
  });
});
