import { findPersonalData, type PersonalKind } from './personal-data.ts';

/** What stands for what: `[email 1]` → the address. Of what nobody may repeat there is nothing in it. */
export type Placeholders = Readonly<Record<string, string>>;

export interface Mask {
  /** The text with placeholders in the place of personal data; the same value has the same one in all texts of a ticket. */
  hide(text: string): string;
  /** A name that the helpdesk tells, as a whole. */
  hideName(name: string): string;
  placeholders(): Placeholders;
}

/** May stand in a reply again. Card numbers, bank accounts and secrets never come back (reliability.md §6). */
const RESTORED: ReadonlySet<PersonalKind> = new Set(['email', 'phone', 'name', 'text']);

/** One for each ticket. `names`: of the people in it. */
export function createMask(names: readonly string[]): Mask {
  const known = new Map<string, string>();
  const counts = new Map<PersonalKind, number>();
  const standIn = (kind: PersonalKind, value: string): string => {
    if (!RESTORED.has(kind)) return `[${kind}]`;
    const before = known.get(`${kind} ${value}`);
    if (before !== undefined) return before;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const placeholder = `[${kind} ${count}]`;
    known.set(`${kind} ${value}`, placeholder);
    return placeholder;
  };
  return {
    hide: (text) => {
      let masked = '';
      let done = 0;
      for (const { kind, start, end } of findPersonalData(text, names).values) {
        masked += text.slice(done, start) + standIn(kind, text.slice(start, end));
        done = end;
      }
      return masked + text.slice(done);
    },
    hideName: (name) => (name === '' ? '' : standIn('name', name)),
    placeholders: () =>
      Object.fromEntries(
        Array.from(known, ([key, placeholder]) => [placeholder, key.slice(key.indexOf(' ') + 1)] as const),
      ),
  };
}

/** For prompts that are sent as they are. */
export const NO_MASK: Mask = { hide: (text) => text, hideName: (name) => name, placeholders: () => ({}) };

export interface Restored {
  readonly text: string;
  /** Placeholders of what nobody may repeat, each once. */
  readonly withheld: readonly string[];
  /** What looks like a placeholder and stands for nothing. */
  readonly unknown: readonly string[];
}

const WITHHELD = /\[(?:card number|IBAN|secret)(?: \d{1,4})?\]/gi;
/** Also as a model may mangle them: `[e-mail 1]`, `[téléphone 2]`. */
const NUMBERED = /\[[\p{L}-]{2,20}[ _-]?\d{1,4}\]/gu;

/** What a model wrote, with the values in the place of their placeholders. */
export function restoreValues(text: string, placeholders: Placeholders): Restored {
  const unknown = new Set<string>();
  const withheld = new Set(Array.from(text.matchAll(WITHHELD), ([found]) => found));
  const restored = text.replaceAll(NUMBERED, (found) => {
    const value = Object.hasOwn(placeholders, found.toLowerCase()) ? placeholders[found.toLowerCase()] : undefined;
    if (value === undefined && !withheld.has(found)) unknown.add(found);
    return value ?? found;
  });
  return { text: restored, withheld: [...withheld], unknown: [...unknown] };
}
