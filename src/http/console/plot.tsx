import type { FC } from 'hono/jsx';
import { Table } from './components.tsx';

/*
 * Plots as SVG from the server: two kilobytes a page, no script, nothing to draw in the browser (uPlot: 50 kB and a
 * canvas that no screen reader reads). Words and numbers stand beside the drawing, so that it can be stretched.
 */

const HEIGHT = 100;
/** Drawing units of one minute. */
const STEP = 10;

export interface PlotProps {
  readonly id: string;
  /** What it shows, said to who cannot see it. */
  readonly label: string;
  readonly series: readonly [name: string, name: string];
  /** Of each minute, the oldest first; null: there is no value. */
  readonly values: readonly (readonly [number | null, number | null])[];
  readonly format: (value: number) => string;
}

/** Two series on top of each other. */
export const Bars: FC<PlotProps> = (props) => {
  const top = ceiling(props.values.map(([a, b]) => (a ?? 0) + (b ?? 0)));
  return (
    <Plot {...props} top={top}>
      {props.values.map(([a, b], index) => {
        const [first, second] = [((a ?? 0) / top) * HEIGHT, ((b ?? 0) / top) * HEIGHT];
        const place = { x: index * STEP + 1, width: STEP - 2 };
        return (
          <>
            {first > 0 && <rect class="series-1" {...place} y={round(HEIGHT - first)} height={round(first)} />}
            {second > 0 && (
              <rect class="series-2" {...place} y={round(HEIGHT - first - second)} height={round(second)} />
            )}
          </>
        );
      })}
    </Plot>
  );
};

/** Two lines, broken where a minute has no value. */
export const Lines: FC<PlotProps> = (props) => {
  const top = ceiling(props.values.flat().map((value) => value ?? 0));
  const pathOf = (series: 0 | 1): string =>
    props.values
      .map((pair, index) => {
        const value = pair[series];
        if (value === null) return '';
        const [x, y] = [index * STEP + STEP / 2, round(HEIGHT - (value / top) * HEIGHT)];
        const follows = index > 0 && props.values[index - 1]?.[series] !== null;
        // what stands alone is a line of half a minute: a point would hardly be seen
        return follows ? `L${x} ${y}` : `M${x - STEP / 4} ${y}h${STEP / 2}`;
      })
      .join('');
  return (
    <Plot {...props} top={top}>
      <path class="line-2" d={pathOf(1)} />
      <path class="line-1" d={pathOf(0)} />
    </Plot>
  );
};

const Plot: FC<PlotProps & { top: number; children?: unknown }> = ({
  id,
  label,
  series,
  values,
  format,
  top,
  children,
}) => {
  const minutes = values.length;
  const told = values
    .map((pair, index) => ({ ago: minutes - 1 - index, pair }))
    .filter(({ pair }) => pair.some((value) => (value ?? 0) > 0));
  return (
    <figure class="plot">
      <p class="legend">
        <span class="key-1">{series[0]}</span>
        <span class="key-2">{series[1]}</span>
        {told.length > 0 && <span class="scale number">top {format(top)}</span>}
      </p>
      <svg viewBox={`0 0 ${minutes * STEP} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {[0, 0.5, 1].map((share) => (
          <line class="grid-line" x1="0" x2={minutes * STEP} y1={share * HEIGHT} y2={share * HEIGHT} />
        ))}
        {children as never}
      </svg>
      <p class="axis" aria-hidden="true">
        <span>{minutes} min ago</span>
        <span>{minutes / 2} min ago</span>
        <span>now</span>
      </p>
      {told.length > 0 && (
        <details id={id}>
          <summary>As a table</summary>
          <Table
            small
            caption={label}
            columns={['Minute', ...series]}
            rows={told
              .toReversed()
              .map(({ ago, pair }) => [
                ago === 0 ? 'this one' : `${ago} min ago`,
                ...pair.map((value) => (value === null ? '–' : format(value))),
              ])}
          />
        </details>
      )}
    </figure>
  );
};

/** The next 1, 2 or 5 of some power of ten, so that the scale does not move with each value. */
function ceiling(values: readonly number[]): number {
  const max = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(max));
  return ([1, 2, 5, 10].find((factor) => factor * power >= max) ?? 10) * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
