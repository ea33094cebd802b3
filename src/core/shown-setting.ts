/** A setting as the console may show it. */
export interface ShownSetting {
  /** Of the environment variable. */
  readonly name: string;
  /** Secrets are masked; null: not set, and there is no default. */
  readonly value: string | null;
  readonly isDefault: boolean;
}

/** Shorter ones would be told by half. */
const TELL_FROM = 8;
const TOLD = 2;

/** `set (…k9)`; of a list each. */
export function maskedSecret(value: string): string {
  const parts = value.split(',').map((part) => part.trim());
  const ends = parts.map((part) => (part.length < TELL_FROM ? '…' : `…${part.slice(-TOLD)}`));
  return `set (${ends.join(', ')})`;
}
