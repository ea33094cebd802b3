/** One thing that was looked at, and what to do about it. Holds no secret. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  /** What was looked at, a word or two. */
  readonly about: string;
  readonly text: string;
  /** One sentence; null when there is nothing to do. */
  readonly fix: string | null;
  /** The vendor's screen where that is done, where its address is known. */
  readonly link?: string;
}

export function ok(about: string, text: string): Finding {
  return { level: 'ok', about, text, fix: null };
}

export function warning(about: string, text: string, fix: string, link: string | null = null): Finding {
  return { level: 'warning', about, text, fix, ...(link === null ? {} : { link }) };
}

export function problem(about: string, text: string, fix: string, link: string | null = null): Finding {
  return { level: 'error', about, text, fix, ...(link === null ? {} : { link }) };
}
