import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/index.ts';

const COLUMNS = 80;

interface Help {
  readonly name: string;
  readonly text: string;
}

/** What `--help` prints, of a command and of those below it. */
function helpsOf(command: Command, above = ''): Help[] {
  const name = `${above} ${command.name()}`.trim();
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => COLUMNS });
  command.outputHelp();
  return [{ name, text }, ...command.commands.flatMap((each) => helpsOf(each, name))];
}

const helps = helpsOf(createProgram('0.0.0'));

describe('--help', () => {
  it('is there for every command', () => {
    expect(helps.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['draftdesk', 'draftdesk serve', 'draftdesk batch', 'draftdesk batch watch']),
    );
  });

  it.each(helps)('of $name fits 80 columns', ({ text }) => {
    expect(text.split('\n').filter((line) => line.length > COLUMNS)).toEqual([]);
  });

  it.each(helps)('of $name shows an example of it', ({ name, text }) => {
    const examples = text.slice(text.search(/^Examples?:$/m));
    expect(examples).toMatch(new RegExp(`^  \\$ .*(draftdesk|npm run)`, 'm'));
    expect(examples).toContain(name.replace('draftdesk ', ''));
  });

  it('offers --json for every command that prints an answer', () => {
    const commands = helps.filter(({ text }) => !/^Usage: .*\[command\]$/m.test(text));
    const without = commands.filter(({ text }) => !/^ {2}--json /m.test(text)).map(({ name }) => name);
    // log lines; a script; a file
    expect(without).toEqual(['draftdesk serve', 'draftdesk backup', 'draftdesk completion']);
  });

  it.each(helps)('of $name says what each of its options is for', ({ text }) => {
    const options = text.split('\n').filter((line) => /^ {2}-/.test(line));
    expect(options.filter((line) => !/^ {2}(-\w, )?--[\w-]+( [<[][\w.]+[\]>])? {2,}\S+ \S/.test(line))).toEqual([]);
  });
});
