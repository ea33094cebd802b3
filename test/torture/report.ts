/** A line of a summary. */
export interface Row {
  readonly what: string;
  readonly value: string | number;
  /** False: a promise is broken. */
  readonly good?: boolean;
  /** A speed and whether it was reached; shown, and judged only by who asked for speed. */
  readonly aim?: string;
  readonly measured?: boolean;
}

export function isBroken({ good }: Row): boolean {
  return good === false;
}

/** The rows as a table for people. */
export function tableOf(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  return rows
    .map((row) => {
      const mark = isBroken(row) ? '  VIOLATION' : row.measured === false ? `  slower than ${row.aim}` : '';
      return `  ${row.what.padEnd(width)}  ${row.value}${mark}`;
    })
    .join('\n');
}
