import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** `.env` of the current folder fills in what the environment does not set. */
export function readEnvironment(): NodeJS.ProcessEnv {
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  return { ...file, ...process.env };
}
