import { describe, expect, it } from 'vitest';
import { isTokenName, parseTokensFile, tokenLine, tokenOfSetting } from '../../src/core/admin-token.ts';
import { sha256 } from '../../src/core/clock.ts';

const DIGEST = sha256('a token of somebody');
const OTHER = sha256('a token of somebody else');

describe('ADMIN_TOKENS_FILE', () => {
  it('is a line per token; comments and empty lines say nothing', () => {
    const text = `\ufeff# who may do what\r\n\r\nalice operator sha256:${DIGEST}\r\n  bob@acme\tviewer   sha256:${OTHER.toUpperCase()}  \n`;
    expect(parseTokensFile(text)).toEqual({
      tokens: [
        { name: 'alice', role: 'operator', digest: DIGEST },
        { name: 'bob@acme', role: 'viewer', digest: OTHER },
      ],
      problems: [],
    });
  });

  it('reads what we write', () => {
    const token = { name: 'carol.b-1', role: 'viewer', digest: DIGEST } as const;
    expect(parseTokensFile(tokenLine(token))).toEqual({ tokens: [token], problems: [] });
  });

  it.each([
    ['a plain token', 'alice operator s3cret-canary-of-alice'],
    ['half a digest', `alice operator sha256:${DIGEST.slice(1)}`],
    ['another role', `alice admin sha256:${DIGEST}`],
    ['a role in capitals', `alice Viewer sha256:${DIGEST}`],
    ['one word more', `alice viewer sha256:${DIGEST} # canary`],
    ['no name', `viewer sha256:${DIGEST}`],
    ['a name with a slash', `a/b viewer sha256:${DIGEST}`],
    ['a name that ADMIN_TOKEN gives', `admin-1 viewer sha256:${DIGEST}`],
    ['a name twice', `first operator sha256:${DIGEST}`],
    ['a digest twice', `alice viewer sha256:${OTHER}`],
    ['the digest of changeme', `alice viewer sha256:${sha256('changeme')}`],
    ['the digest of nothing', `alice viewer sha256:${sha256('')}`],
  ])('names the line of %s, and not what it holds', (_what, line) => {
    const { problems } = parseTokensFile(`# x\nfirst viewer sha256:${OTHER}\n${line}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^line 3 /);
    expect(problems[0]).not.toMatch(/canary|alice/);
  });

  it('must hold a token', () => {
    expect(parseTokensFile('# nobody\n').problems).toEqual(['holds no token']);
  });
});

it('names the tokens of ADMIN_TOKEN by their place, and keeps no token', () => {
  expect(['one', 'two'].map(tokenOfSetting)).toEqual([
    { name: 'admin-1', role: 'operator', digest: sha256('one') },
    { name: 'admin-2', role: 'operator', digest: sha256('two') },
  ]);
});

it.each(['', ' ', 'a b', 'admin-7', '-x', '#x', 'x'.repeat(65), 'a\u001b[2J'])('%j is no name', (name) => {
  expect(isTokenName(name)).toBe(false);
});
