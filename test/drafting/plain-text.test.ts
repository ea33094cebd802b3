import { describe, expect, it } from 'vitest';
import { plainText } from '../../src/drafting/plain-text.ts';

const KNOWN = 'Our help: https://help.acme.example/a and http://acme.example.';

describe('plainText', () => {
  it.each([
    ['bold and italics', 'Use **this** and *that* and __those__.', 'Use this and that and those.'],
    ['headings and bullets', '## Steps\n* one\n+ two\n- three', 'Steps\n- one\n- two\n- three'],
    ['code', 'Open `about:config`:\n```js\nx()\n```', 'Open about:config:\nx()'],
    ['arithmetic', '2 * 3 * 4 and a_b_c', '2 * 3 * 4 and a_b_c'],
    ['HTML', '<p>Dear <b>Ada</b>,</p><p>thanks<br>Bob</p>', 'Dear Ada,\n\nthanks\nBob'],
    ['brackets that are text', 'Write to <your account> and check x < y.', 'Write to <your account> and check x < y.'],
    ['images', 'Hi![x](https://evil.example/?q=1) <img src=x onerror=alert(1)>there', 'Hi there'],
    ['images by reference', 'Hi![x][r] there\n[r]: https://evil.example/p.png', 'Hi there'],
    ['known links', '[the guide](https://help.acme.example/b "t")', 'the guide (https://help.acme.example/b)'],
    ['links by reference', 'See [the guide][1].\n\n[1]: https://evil.example', 'See the guide.'],
    ['a link named like its address', '[https://acme.example/](https://acme.example/)', 'https://acme.example/'],
    ['autolinks', 'See <https://acme.example/x>.', 'See https://acme.example/x.'],
    ['scripts as addresses', '[Reset](javascript:alert(1)) [a](data:text/html,x) [b](//evil.example)', 'Reset a b'],
    ['invisible characters', 'a\u200Bb\u202Ec', 'abc'],
    ['too many blank lines', 'a\n\n\n\nb  ', 'a\n\nb'],
  ])('makes plain text of %s', (_, written, expected) => {
    const { text, strangeLinks } = plainText(written, KNOWN);
    expect(text).toBe(expected);
    expect(strangeLinks).toBe(0);
    expect(plainText(text, KNOWN).text).toBe(text);
  });

  it.each([
    ['[Reset](https://evil.example/?q=SECRET)', 'Reset (hxxps://evil.example/?q=SECRET)'],
    ['Go to http://evil.example now', 'Go to hxxp://evil.example now'],
    ['https://acme.example.evil.example/', 'hxxps://acme.example.evil.example/'],
    ['https://аcme.example/', 'hxxps://аcme.example/'],
    ['https://acme.example@evil.example/', 'hxxps://acme.example@evil.example/'],
    ['http://https://evil.example/', 'hxxp://hxxps://evil.example/'],
    ['https://evil.example/?to=https://evil.example/', 'hxxps://evil.example/?to=hxxps://evil.example/'],
  ])('disarms links to hosts that the team has not named: %s', (written, expected) => {
    expect(plainText(written, KNOWN)).toEqual({ text: expected, strangeLinks: 1 });
  });

  it('is quick with text made to be slow', () => {
    const startedAt = process.cpuUsage();
    for (const unit of ['[', '![', '<a ', '**a', '*a', '`a', '[a](', '[a][', '](']) plainText(unit.repeat(10_000), '');
    const { user, system } = process.cpuUsage(startedAt);
    expect((user + system) / 1000).toBeLessThan(1500);
  });
});
