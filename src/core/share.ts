import { fnv1a } from './fnv1a.ts';

/**
 * Where a name stands between 0 and 100: always at the same place, and names spread evenly. For shares of people, not
 * for secrets. FNV-1a over UTF-16 units with the last mixing step of MurmurHash3, so that names that differ in their
 * last sign only are far apart.
 */
export function shareOf(name: string): number {
  let hash = fnv1a(name);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * 100;
}
