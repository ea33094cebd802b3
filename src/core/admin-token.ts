import { sha256 } from './clock.ts';
import { wellKnownSecrets } from './weak-secret.ts';

/** `viewer` looks at everything and changes nothing; `operator` does both. */
export const ADMIN_ROLES = ['viewer', 'operator'] as const;

export type AdminRole = (typeof ADMIN_ROLES)[number];

/** Somebody who may use the admin API. The token itself is known to its holder only. */
export interface AdminToken {
  /** Stands in the audit log. */
  readonly name: string;
  readonly role: AdminRole;
  /** SHA-256 of the token, lower-case hex. */
  readonly digest: string;
}

/** Names of the tokens in `ADMIN_TOKEN`, which have none of their own. */
export function tokenOfSetting(token: string, index: number): AdminToken {
  return { name: `admin-${index + 1}`, role: 'operator', digest: sha256(token) };
}

/** A line of `ADMIN_TOKENS_FILE`. */
export function tokenLine({ name, role, digest }: AdminToken): string {
  return `${name} ${role} sha256:${digest}`;
}

export function isTokenName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name) && !/^admin-\d+$/.test(name);
}

const LINE = /^(\S+)\s+(viewer|operator)\s+sha256:([0-9a-fA-F]{64})$/;

export interface TokensFile {
  readonly tokens: readonly AdminToken[];
  /** Each begins with the line's number. None repeats what the line says: it may be a token. */
  readonly problems: readonly string[];
}

/** Reads `NAME ROLE sha256:<64 hex digits>`, a line each; empty lines and those that begin with `#` say nothing. */
export function parseTokensFile(text: string): TokensFile {
  const tokens: AdminToken[] = [];
  const problems: string[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const token = parseLine(line);
    const problem = typeof token === 'string' ? token : clash(token, tokens);
    if (problem !== null) problems.push(`line ${index + 1} ${problem}`);
    else if (typeof token !== 'string') tokens.push(token);
  }
  if (tokens.length === 0 && problems.length === 0) problems.push('holds no token');
  return { tokens, problems };
}

function parseLine(line: string): AdminToken | string {
  const [, name = '', role, digest = ''] = LINE.exec(line) ?? [];
  if (role !== 'viewer' && role !== 'operator') return 'must be: NAME viewer|operator sha256:<64 hex digits>';
  if (!isTokenName(name)) return 'has a name that is not possible: letters, digits and . _ @ - (admin-1, … are taken)';
  return { name, role, digest: digest.toLowerCase() };
}

/** Two names for one token, or two tokens of one name: the audit log could not tell who it was. */
function clash(token: AdminToken, known: readonly AdminToken[]): string | null {
  if (known.some(({ name }) => name === token.name)) return 'has a name that an earlier line has';
  if (known.some(({ digest }) => digest === token.digest)) return 'has the digest of an earlier line';
  return wellKnownDigests().has(token.digest) ? 'is the digest of a well-known word' : null;
}

function wellKnownDigests(): ReadonlySet<string> {
  return new Set(wellKnownSecrets().map(sha256));
}
