import type { z } from 'zod';

/** Where a source stands, from a stored cursor; null when there is none, or it is of another version: then from the start. */
export function readPlace<T>(schema: z.ZodType<T>, cursor: string | null): T | null {
  if (cursor === null) return null;
  try {
    return schema.safeParse(JSON.parse(cursor)).data ?? null;
  } catch {
    return null;
  }
}

/** A vendor's `en-us` as BCP 47; null for what is no language tag. */
export function localeTag(locale: string | null | undefined): string | null {
  if (locale === null || locale === undefined) return null;
  try {
    return Intl.getCanonicalLocales(locale)[0] ?? null;
  } catch {
    return null;
  }
}
