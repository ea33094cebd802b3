import { describe, expect, it } from 'vitest';
import { hostsIn } from '../../src/drafting/links.ts';
import { plainText } from '../../src/drafting/plain-text.ts';

const known = new Set(hostsIn('Our help: https://help.acme.example/a and http://acme.example.'));

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
    expect(plainText(written, known)).toEqual({ text: expected, disarmed: [], cut: false, withheld: false });
    expect(plainText(expected, known).text).toBe(expected);
  });

  it.each([
    ['[Reset](https://evil.example/?q=SECRET)', 'Reset (hxxps://evil.example/?q=SECRET)'],
    ['Go to http://evil.example now', 'Go to hxxp://evil.example now'],
    ['a longer name', 'https://acme.example.evil.example/', 'hxxps://acme.example.evil.example/'],
    ['a look-alike', 'https://аcme.example/', 'hxxps://аcme.example/'],
    ['punycode', 'https://xn--cme-5cd.example/', 'hxxps://xn--cme-5cd.example/'],
    ['a user name', 'https://acme.example@evil.example/', 'hxxps://acme.example@evil.example/'],
    ['a quoted user name', 'https://acme.example"@evil.example/', 'hxxps://acme.example"@evil.example/'],
    ['a user name in braces', 'https://acme.example{}@evil.example', 'hxxps://acme.example{}@evil.example'],
    ['a password', 'https://acme.example:x@evil.example', 'hxxps://acme.example:x@evil.example'],
    ['a backslash', 'https://acme.example\\@evil.example/', 'hxxps://acme.example\\@evil.example/'],
    ['backslashes for slashes', 'https:\\\\evil.example', 'hxxps:\\\\evil.example'],
    ['one slash', 'https:/evil.example', 'hxxps:/evil.example'],
    ['a percent sign', 'https://acme.example%2eevil.example/', 'hxxps://acme.example%2eevil.example/'],
    ['another port', 'https://acme.example:8443/', 'hxxps://acme.example:8443/'],
    ['an address', 'http://[::1]/ http://2130706433/', 'hxxp://[::1]/ hxxp://2130706433/'],
    ['upper case', 'HTTPS://EVIL.EXAMPLE', 'hxxpS://EVIL.EXAMPLE'],
    ['zero width in the name', 'https://acme.example\u200B.evil.example', 'hxxps://acme.example.evil.example'],
    ['a letter before', 'xhttps://evil.example _https://evil.example', 'xhxxps://evil.example _hxxps://evil.example'],
    [
      'a link in a link',
      'https://acme.example/?to=https://evil.example/',
      'https://acme.example/?to=hxxps://evil.example/',
    ],
    ['www', 'www.evil.example', 'www[.]evil[.]example'],
    ['no scheme', 'see evil.example/reset.', 'see evil[.]example/reset.'],
    ['no scheme, a known name before', 'acme.example.evil.example/x', 'acme[.]example[.]evil[.]example/x'],
    ['the scheme of the page', 'or //evil.example', 'or //evil[.]example'],
    ['other schemes', 'ftp://evil.example file:///etc/passwd', 'ftp[:]//evil[.]example file[:]///etc/passwd'],
    ['content in the address', 'javascript:alert(1) data:text/html,x', 'javascript[:]alert(1) data[:]text/html,x'],
  ])('disarms links to hosts that the team has not named: %s', (...row) => {
    const [written = '', expected = ''] = row.slice(-2);
    const { text, disarmed } = plainText(written, known);
    expect(text).toBe(expected);
    expect(disarmed.length).toBeGreaterThan(0);
    for (const link of disarmed) expect(expected).toContain(link);
    expect(plainText(text, known)).toEqual({ text, disarmed: [], cut: false, withheld: false });
  });

  it.each([
    'https://acme.example',
    'HTTPS://ACME.EXAMPLE/a',
    'https://acme.example./a',
    'https://www.acme.example/a?b=c@d#e',
    '(https://help.acme.example), or “https://acme.example”',
    'www.acme.example and acme.example/path',
    'Node.js, e.g. v1.2/3, and/or 24/7, support@other.example, +1 (555) 010-0199, Booking.com',
    'Steps: open it; data: none',
  ])('leaves %s', (text) => {
    expect(plainText(text, known)).toEqual({ text, disarmed: [], cut: false, withheld: false });
  });

  it.each([
    ['an image with brackets in its name', '![a[b]c](https://evil.example/p.png)'],
    ['an image put together by what is taken out', '!<b>[x]</b>(https://evil.example/p.png)'],
    ['an image in a link', '[![x](https://evil.example/p.png)](https://evil.example/)'],
    ['an image over two lines', '![x\n](https://evil.example/p.png)'],
    ['an image in an image', '![x![y](z)](https://evil.example/p.png)'],
    ['a tag in a tag', '<im<img>g src="https://evil.example/p.png">'],
  ])('lets no Markdown link or image through: %s', (_, written) => {
    const { text } = plainText(written, known);
    expect(text).not.toMatch(/!\[|\]\(|<img\b(?!g)/);
    expect(text).not.toMatch(/https?:/);
  });

  it('keeps of a link to mail or a telephone whom it reaches', () => {
    const written = '[us](mailto:a@acme.example?bcc=b@evil.example) [call](tel:+155501) [x](mailto:?body=y)';
    expect(plainText(written, known).text).toBe('us (a@acme.example) call (+155501) x');
  });

  it('reads no more than any reply has, and says so', () => {
    const { text, cut } = plainText('x'.repeat(2_000_000), known);
    expect(text).toHaveLength(9_000);
    expect(cut).toBe(true);
  });

  it('is quick with text made to be slow', () => {
    const startedAt = process.cpuUsage();
    for (const unit of ['[', '![', '<a ', '**a', '*a', '`a', '[a](', '[a][', ']('])
      plainText(unit.repeat(10_000), known);
    const { user, system } = process.cpuUsage(startedAt);
    expect((user + system) / 1000).toBeLessThan(1500);
  });
});
