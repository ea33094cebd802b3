import { stripVTControlCharacters, styleText } from 'node:util';

export type Colour = Parameters<typeof styleText>[0];

/** One colour of a bar. */
export interface Segment {
  readonly label: string;
  readonly colour: Colour;
  readonly glyph: '█' | '▓' | '▒';
  readonly count: number;
}

/** What there is to see now, whoever works. */
export interface ProgressPicture {
  readonly total: number;
  readonly done: number;
  /** In the order they are drawn. */
  readonly segments: readonly Segment[];
  readonly ratePerMinute: number;
  /** Null when it cannot be told. */
  readonly etaSeconds: number | null;
  /** Small print: on a terminal only. */
  readonly details: readonly string[];
  /** What a person must know: why it stands still, what fails. */
  readonly warnings: readonly string[];
}

/** Redraws a few lines in place on a terminal; prints a plain line now and then elsewhere. */
export interface ProgressView {
  update(picture: ProgressPicture, elapsedMs: number): void;
}

const BAR_MAX = 44;
const BAR_MIN = 10;
/** What stands beside the bar: percent and counts. */
const BESIDE_BAR = 30;
const COLUMNS_UNKNOWN = 80;
const PLAIN_EVERY_MS = 2_000;
const PLAIN_EVERY_MAX_MS = 60_000;
/** Plain lines grow rarer: one per tenth of the time gone by. */
const PLAIN_SHARE = 0.1;

export function createProgressView(stream: NodeJS.WriteStream): ProgressView {
  const { NO_COLOR, TERM } = process.env;
  const live = stream.isTTY && !NO_COLOR && TERM !== 'dumb';
  return live ? liveView(stream) : plainView(stream);
}

function liveView(stream: NodeJS.WriteStream): ProgressView {
  let drawn = 0;
  return {
    update: (picture, elapsedMs) => {
      const columns = stream.columns || COLUMNS_UNKNOWN;
      const lines = draw(picture, elapsedMs, columns).map((line) => clip(line, columns));
      const up = drawn > 0 ? `\u001b[${drawn}A` : '';
      // what stood below goes too: there may be fewer lines now
      stream.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[0J`);
      drawn = lines.length;
    },
  };
}

function plainView(stream: NodeJS.WriteStream): ProgressView {
  let nextAt = 0;
  let over = false;
  return {
    update: (picture, elapsedMs) => {
      const { done, total, segments, ratePerMinute, etaSeconds, warnings } = picture;
      if (over || (elapsedMs < nextAt && done < total)) return;
      over = done >= total;
      const parts = segments.map(({ label, count }) => `${count} ${label}`).join(' · ');
      const eta = over || !etaSeconds ? '' : `  ${formatEta(etaSeconds)} left`;
      const warned = warnings.length === 0 ? '' : `  ${warnings.join('  ')}`;
      nextAt = elapsedMs + Math.min(PLAIN_EVERY_MAX_MS, Math.max(PLAIN_EVERY_MS, Math.round(elapsedMs * PLAIN_SHARE)));
      stream.write(
        `${formatDuration(elapsedMs).padStart(6)}  ${done}/${total}  ${parts}  ${ratePerMinute}/min${eta}${warned}\n`,
      );
    },
  };
}

function draw(picture: ProgressPicture, elapsedMs: number, columns: number): string[] {
  const { done, total, segments, ratePerMinute, etaSeconds, details, warnings } = picture;
  const width = Math.max(BAR_MIN, Math.min(BAR_MAX, columns - BESIDE_BAR));
  const percent = `${Math.floor((100 * done) / Math.max(1, total))}%`;
  const legend = segments
    .filter(({ count }, index) => count > 0 || index === 0)
    .map(({ label, colour, glyph, count }) => `${styleText(colour, glyph)} ${formatCount(count)} ${label}`);
  const eta = done >= total || !etaSeconds ? '' : ` · ${formatEta(etaSeconds)} left`;
  return [
    `  ${bar(segments, total, width)} ${styleText('bold', percent)}  ${formatCount(done)}/${formatCount(total)}`,
    `  ${legend.join('  ')}`,
    styleText('gray', `  ${formatDuration(elapsedMs)}${eta} · ${formatCount(ratePerMinute)} tickets/min`),
    ...details.map((detail) => styleText('gray', `  ${detail}`)),
    ...warnings.map((warning) => styleText('yellow', `  ${warning}`)),
  ];
}

function bar(segments: readonly Segment[], total: number, width: number): string {
  let drawn = 0;
  let counted = 0;
  const pieces = segments.map(({ colour, glyph, count }) => {
    counted += count;
    const until = Math.min(width, Math.round((width * counted) / Math.max(1, total)));
    const piece = glyph.repeat(Math.max(0, until - drawn));
    drawn = Math.max(drawn, until);
    return styleText(colour, piece);
  });
  return pieces.join('') + styleText('gray', '░'.repeat(width - drawn));
}

/** No wider than the terminal, so that moving up by the number of lines meets the right ones. */
function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}

/** `4.2 s`, `3 min 20 s`, `2 h 05 min`. */
export function formatDuration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** An estimate: no tenths of seconds. */
function formatEta(seconds: number): string {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : formatDuration(seconds * 1000);
}

/** With thousands apart: 1234567 is hard to read. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** Small sums keep the digits that tell something. */
export function formatUsd(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

/** Label and value in two columns. */
export function formatTable(stream: NodeJS.WriteStream, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${paint(stream, 'gray', label.padEnd(width))}  ${value}\n`).join('');
}

/** Colour where the stream shows any. */
export function paint(stream: NodeJS.WriteStream, colour: Colour, text: string): string {
  return styleText(colour, text, { stream });
}
