import type { Finding } from '../../core/finding.ts';
import { type Colour, paint } from '../progress-view.ts';

const MARKS: Readonly<Record<Finding['level'], { readonly sign: string; readonly colour: Colour }>> = {
  ok: { sign: '✓', colour: 'green' },
  warning: { sign: '!', colour: 'yellow' },
  error: { sign: '✗', colour: 'red' },
};

const COLUMNS_MAX = 100;
const COLUMNS_UNKNOWN = 80;

/** Sign, what, text; below what is not well, what to do. Wrapped at words, so that a narrow terminal can show it. */
export function printFindings(findings: readonly Finding[], stream: NodeJS.WriteStream): string {
  const width = Math.max(...findings.map(({ about }) => about.length));
  const columns = Math.min(stream.columns || COLUMNS_UNKNOWN, COLUMNS_MAX) - width - 6;
  const indent = ' '.repeat(width + 6);
  const lines = findings.flatMap(({ level, about, text, fix, link }) => {
    const { sign, colour } = MARKS[level];
    const [first = '', ...more] = wrap(text, columns);
    const advice = fix === null ? [] : wrap(`→ ${fix}`, columns);
    return [
      `  ${paint(stream, colour, sign)} ${about.padEnd(width)}  ${first}`,
      ...more.map((line) => indent + line),
      ...advice.map((line) => indent + line),
      // in one piece, so that a terminal opens it
      ...(link === undefined ? [] : [`${indent}  ${link}`]),
    ];
  });
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  return `\n${lines.join('\n')}\n\n  ${count('ok')} well, ${count('warning')} to look at, ${count('error')} to mend\n`;
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
