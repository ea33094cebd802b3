import { expect, it } from 'vitest';
import { sampleTickets } from '../../src/sandbox/tickets.ts';

it('has about forty tickets of every kind, each from somebody of its own', () => {
  expect(sampleTickets.length).toBeGreaterThanOrEqual(40);
  const languages = new Set(sampleTickets.map((ticket) => ticket.requester.locale?.slice(0, 2)));
  expect(languages).toEqual(new Set(['de', 'en', 'es', 'fr', 'it', 'ja', 'nl', 'pt']));
  expect(new Set(sampleTickets.map((ticket) => ticket.requester.email)).size).toBe(sampleTickets.length);
  const longest = Math.max(...sampleTickets.map((ticket) => ticket.html.length));
  expect(longest).toBeGreaterThan(7500);
  expect(longest).toBeLessThan(9500);
  const has = (pattern: RegExp) => sampleTickets.some((ticket) => pattern.test(ticket.subject + ticket.html));
  const kinds = [
    /display:none/,
    /\u202E/,
    /\u200B/,
    /\p{Emoji_Presentation}/u,
    /ignore all previous/i,
    /\{\{/,
    /blockquote/,
  ];
  expect(kinds.filter((kind) => !has(kind))).toEqual([]);
});

it('expects an end of each', () => {
  for (const ticket of sampleTickets) {
    expect(ticket.expect.length).toBeGreaterThan(0);
    if (ticket.before !== undefined) expect(ticket.expect).not.toContain('posted');
  }
});
