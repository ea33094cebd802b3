import { describe, expect, it } from 'vitest';
import { newSecret } from '../../src/core/clock.ts';
import { isLoopbackHost, isWeakSecret } from '../../src/core/weak-secret.ts';

describe('a secret that others might guess', () => {
  it.each([
    'changeme',
    'changeme'.repeat(4),
    'ChangeMe-ChangeMe-ChangeMe-ChangeMe',
    'a'.repeat(64),
    '0'.repeat(32),
    '12345678901234567890123456789012',
    'abcd1234'.repeat(4),
    'a-long-random-string-of-32-characters-or-more',
    'an-admin-token-of-more-than-32-characters',
    'your-secret-draftdesk-admin-token-here',
    'abababababababababababababababcd',
    'x7Kp2mQ9rT4vW8yZ',
  ])('D11: %s is too weak for a token', (secret) => {
    expect(isWeakSecret(secret, 32)).toBe(true);
  });

  it.each([
    '0f8c3b1e9d7a4652c1b0e8f7a6d5943b',
    'draftdesk-admin-0f8c3b1e9d7a4652c1b0e8f7a6d5943b',
    'Q2hhbmdl-4e9c_Xz81bTq0LrVw7uYp3sKd',
    '123e4567-e89b-42d3-a456-426614174000',
    'correct horse battery staple lantern',
  ])('%s is good', (secret) => {
    expect(isWeakSecret(secret, 32)).toBe(false);
  });

  it('what we make ourselves is good', () => {
    const made = Array.from({ length: 1000 }, () => newSecret());
    expect(made.filter((secret) => isWeakSecret(secret, 32))).toEqual([]);
    expect(new Set(made.map((secret) => secret.length))).toEqual(new Set([43]));
  });
});

it.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.evil.test', false],
  ['localhost.evil.test', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});
