import { type ReplayResult, summarise } from '../core/replay-result.ts';
import { formatCount, paint } from './progress-view.ts';
import { decimal, type Figure, figuresOf, type ReplayComparison } from './replay-figures.ts';
import type { ReplayPair } from './replay-page.ts';
import { shown } from './shown.ts';

/** Of a text so much is shown, characters. */
const SHOWN_MAX = 400;

export interface ReplayReport extends ReplayComparison {
  readonly pairs: readonly ReplayPair[];
  /** Results that an earlier try had paid for. */
  readonly earlier: number;
  readonly reportPath: string;
}

/** For people. The texts of customers only where they are asked for. */
export function printReplay(stream: NodeJS.WriteStream, report: ReplayReport, texts: boolean): void {
  const { now, last, earlier, pairs, regressions, reportPath } = report;
  const head = { label: '', now: `run ${now.id}`, last: last === null ? '' : `run ${last.id}`, change: '' };
  stream.write(`\n${columns(stream, [head, ...figuresOf(report)])}\n`);
  if (earlier > 0) stream.write(`  ${formatCount(earlier)} were drafted before: not paid again\n`);
  if (pairs.length > 0) stream.write(`  least like what people answered:\n`);
  for (const pair of pairs) stream.write(describePair(stream, pair, texts));
  stream.write(`\n  ${reportPath}   (holds what customers wrote: only you may read it)\n`);
  for (const sentence of regressions) stream.write(`  ${paint(stream, 'red', '✗')} ${sentence}\n`);
  if (regressions.length === 0)
    stream.write(`  ${paint(stream, 'green', '✓')} ${last === null ? 'done' : 'not worse than the last run'}\n`);
}

function describePair(stream: NodeJS.WriteStream, pair: ReplayPair, texts: boolean): string {
  const { id, similarity, lastSimilarity, question, reply, draft } = pair;
  const before = lastSimilarity === null ? '' : `   (${decimal(lastSimilarity)} in the last run)`;
  const line = `    ${decimal(similarity)}  ${shown(id)}${before}\n`;
  if (!texts) return line;
  const short = (text: string): string => {
    const one = shown(text);
    return one.length > SHOWN_MAX ? `${one.slice(0, SHOWN_MAX).toWellFormed()}…` : one;
  };
  const told = Object.entries({ customer: question, people: reply, draft });
  return `${line}${told.map(([who, text]) => `      ${paint(stream, 'gray', who.padEnd(8))}  ${short(text)}\n`).join('')}`;
}

function columns(stream: NodeJS.WriteStream, rows: readonly Figure[]): string {
  const widthOf = (cell: 'label' | 'now' | 'last'): number => Math.max(...rows.map((row) => shown(row[cell]).length));
  const [label, now, last] = [widthOf('label'), widthOf('now'), widthOf('last')];
  return rows
    .map((row) => {
      const name = paint(stream, 'gray', row.label.padEnd(label));
      return `  ${name}  ${shown(row.now).padEnd(now)}  ${row.last.padEnd(last)}  ${row.change}`.trimEnd();
    })
    .join('\n')
    .concat('\n');
}

/** For scripts: numbers and ids, no texts. */
export function replayJson(report: ReplayReport): object {
  const { now, last, change, regressions, pairs, earlier, reportPath } = report;
  const ids = new Set(now.tickets.map(({ id }) => id));
  const describe = ({ id, versions, tickets }: ReplayResult): object => ({
    id,
    versions,
    ...summarise(tickets.filter((ticket) => ids.has(ticket.id))),
  });
  return {
    run: describe(now),
    last: last === null ? null : describe(last),
    change,
    regressions,
    worst: pairs.map(({ id, similarity, lastSimilarity }) => ({ id, similarity, lastSimilarity })),
    earlier,
    report: reportPath,
  };
}
