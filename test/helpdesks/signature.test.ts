import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hmacMatches, parseIsoStamp, secretMatches } from '../../src/helpdesks/signature.ts';

const SHA256 = { algorithm: 'sha256', encoding: 'base64' } as const;
/** Published by Zendesk for webhooks under test; the two signatures were computed in helpdesks.md 1.3. */
const SECRET = 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==';
const STAMP = '2026-01-02T03:04:05Z';
const BODY = '{"hello":"wörld"}';
const GOOD = 'Nzyj2eZA6OFgeoG0v8ibdIihPkRdUc6RdKuDE5+lOYg=';

const check = (given: string | null, secrets: readonly string[] = [SECRET]): boolean =>
  hmacMatches(SHA256, secrets, [STAMP, new TextEncoder().encode(BODY)], given);

describe('hmacMatches', () => {
  it('agrees with the documented vectors', () => {
    expect(check(GOOD)).toBe(true);
    expect(hmacMatches(SHA256, [SECRET], [STAMP], '1xsiPKGHFyXedEmvxNaOg4VQ2U4XjHcPMETpJymjCkg=')).toBe(true);
  });

  it.each([
    ['nothing (B1)', null],
    ['empty (B1)', ''],
    ['shorter (B2)', GOOD.slice(0, 10)],
    ['longer (B2)', `${GOOD}${GOOD}`],
    ['not base64 (B2)', 'ünïcode'],
    ['a prefix (B2)', `sha256=${GOOD}`],
    ['hex of the same bytes (B2)', Buffer.from(GOOD, 'base64').toString('hex')],
    ['junk behind it (B3)', `${GOOD}!!!!\n`],
    ['no padding (B3)', GOOD.replace('=', '')],
    ['the url-safe alphabet (B3)', GOOD.replaceAll('+', '-')],
    ['another case', GOOD.toLowerCase()],
    ['twice in one header', `${GOOD}, ${GOOD}`],
  ])('refuses %s', (_name, given) => {
    expect(check(given)).toBe(false);
  });

  it('refuses what an empty key signed (B4)', () => {
    const forged = createHmac('sha256', '').update(STAMP).update(BODY).digest('base64');
    expect(check(forged, [''])).toBe(false);
    expect(check(forged, [])).toBe(false);
    expect(check(forged, ['', SECRET])).toBe(false);
  });

  it('takes either secret while one is rotated (B11), and none of another account (B9)', () => {
    expect(check(GOOD, ['another-secret-of-ours', SECRET])).toBe(true);
    expect(check(GOOD, [SECRET, 'another-secret-of-ours'])).toBe(true);
    expect(check(GOOD, ['another-secret-of-ours'])).toBe(false);
  });

  it('is over bytes: a byte order mark or broken UTF-8 is signed as it is (B10)', () => {
    const bytes = Uint8Array.from([0xef, 0xbb, 0xbf, 0xff, 0x7b, 0x7d]);
    const signature = createHmac('sha256', SECRET).update(STAMP).update(bytes).digest('base64');
    expect(hmacMatches(SHA256, [SECRET], [STAMP, bytes], signature)).toBe(true);
    expect(hmacMatches(SHA256, [SECRET], [STAMP, bytes.slice(3)], signature)).toBe(false);
  });

  it('knows the other families of helpdesks', () => {
    const hex = createHmac('sha1', SECRET).update(BODY).digest('hex');
    const scheme = { algorithm: 'sha1', encoding: 'hex', prefix: 'sha1=' } as const;
    expect(hmacMatches(scheme, [SECRET], [BODY], `sha1=${hex}`)).toBe(true);
    expect(hmacMatches(scheme, [SECRET], [BODY], hex)).toBe(false);
    expect(hmacMatches(scheme, [SECRET], [BODY], `sha1=${hex.toUpperCase()}`)).toBe(false);
  });
});

describe('secretMatches', () => {
  it.each([
    ['the-whole-secret-1', true],
    ['the-other-secret-2', true],
    ['the-whole-secret-', false],
    ['the-whole-secret-1 ', false],
    ['the-whole-secret-1, the-whole-secret-1', false],
    ['', false],
    [null, false],
  ])('%j → %s (B12)', (given, expected) => {
    expect(secretMatches(['the-whole-secret-1', 'the-other-secret-2', ''], given)).toBe(expected);
  });
});

describe('parseIsoStamp', () => {
  it.each([
    ['2021-03-25T05:09:27Z', Date.UTC(2021, 2, 25, 5, 9, 27)],
    ['2021-03-25T05:09:27.500Z', Date.UTC(2021, 2, 25, 5, 9, 27, 500)],
    ['2025-01-08T10:12:07.672717030Z', Date.UTC(2025, 0, 8, 10, 12, 7, 672)],
    ['1616648967', null],
    ['0', null],
    ['-1', null],
    ['1e12', null],
    ['2026-11-23', null],
    ['2021-03-25T05:09:27Z junk', null],
    ['2021-03-25T05:09:27Z, 2021-03-25T05:09:27Z', null],
    ['2021-13-45T05:09:27Z', null],
    ['', null],
    [null, null],
  ])('%j → %s (B5)', (given, expected) => {
    expect(parseIsoStamp(given)).toBe(expected);
  });
});
