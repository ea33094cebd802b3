import type { Config, Env } from '../../config.ts';
import type { Finding } from '../../core/finding.ts';

/** What the checks know when they begin. */
export interface Patient {
  readonly env: Env;
  /** Null when the settings are wrong. */
  readonly config: Config | null;
  /** Where the service answers, if it runs. */
  readonly url: string;
  /** What `GET /readyz` there says; null when nobody answers. */
  readonly readiness: { readonly checks: Readonly<Record<string, string>> } | null;
}

/** One look at one thing. Never throws for what it finds. */
export type Check = (patient: Patient) => Promise<readonly Finding[]> | readonly Finding[];
