/** One thing that was looked at, and what to do about it. Holds no secret. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  /** What was looked at, a word or two. */
  readonly about: string;
  readonly text: string;
  /** One sentence; null when there is nothing to do. */
  readonly fix: string | null;
}

export function ok(about: string, text: string): Finding {
  return { level: 'ok', about, text, fix: null };
}

export function warning(about: string, text: string, fix: string): Finding {
  return { level: 'warning', about, text, fix };
}

export function problem(about: string, text: string, fix: string): Finding {
  return { level: 'error', about, text, fix };
}
