import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { impersonal, wordsIn } from '../../src/drafting/impersonal.ts';

const COMMON = wordsIn(['Open Settings in Thunderbird, then Privacy. Version 128000 of the Passwort.']);
const clean = (reply: string, keep?: (url: string) => boolean): string => impersonal(reply, COMMON, keep);

describe('impersonal', () => {
  it.each([
    ['a greeting', 'Hi Maria,\n\nplease restart it.', 'please restart it.'],
    ['a greeting in one line', 'Hello Maria Schmidt! Please restart it.', 'Please restart it.'],
    ['a greeting without a sign', 'Dear Maria\nplease restart it.', 'please restart it.'],
    ['a German greeting', 'Sehr geehrte Frau Schmidt,\nbitte starten Sie neu.', 'bitte starten Sie neu.'],
    ['a Czech greeting', 'Dobrý den, paní Nováková,\nrestartujte to.', /^(?!.*Nov).*restartujte/s],
    ['a Japanese greeting', '山田様\n再起動してください。', '再起動してください。'],
    ['a sign-off', 'Please restart it.\n\nKind regards\nBob Agent\nAcme, 1 High Street', 'Please restart it.'],
    ['a French sign-off', 'Redémarrez.\nCordialement,\nJean Petit', 'Redémarrez.'],
    ['an Italian sign-off', 'Riavvii.\nCordiali saluti\nGianni', 'Riavvii.'],
    ['a name in a sentence', 'We have told Maria to restart it.', 'We have told […] to restart it.'],
    ['first and second name', 'We have told Maria Schmidt to restart it.', 'We have told […] to restart it.'],
    ['a name that begins', 'Maria, please restart it.', '[…], please restart it.'],
    ['a possessive', "Maria's account is open.", '[…] account is open.'],
    ['somebody who did something', 'Maria wrote to us.', '[…] wrote to us.'],
    [
      'a German name',
      'Ich habe mit Maria gesprochen, und die Einstellungen und das Passwort und der Zugang sind neu.',
      /^Ich habe mit \[…\] gesprochen, und die Einstellungen/,
    ],
    ['who was greeted, wherever it stands', 'Hi Maria,\nMaria can sign in again.', '[…] can sign in again.'],
    ['whoever signed', 'Bob restarts it.\nRegards\nBob', '[…] restarts it.'],
    ['who is named elsewhere', 'We asked Maria. Maria can do that.', 'We asked […]. […] can do that.'],
    ['a name in quotes or brackets', 'The sender is “Maria” (Maria).', 'The sender is “[…]” ([…]).'],
    ['a name behind a link', 'https://x.example/a told Maria so.', '[…] told […] so.'],
    ['the mail it answers', 'Restart it.\n> Maria wrote:\n> help', 'Restart it.'],
    ['who is cited', 'kimmy42 said\nRestart it.', 'Restart it.'],
    ['a title', 'Restart it. Mr Jones will call.', 'Restart it. […]'],
    ['mail', 'Restart it. Write to maria@home.example then.', 'Restart it. […]'],
    ['a telephone', 'Restart it. We call you on +44 20 7946 0018.', 'Restart it. […]'],
    ['a card', 'Restart it. Card 4111 1111 1111 1111 was refused.', 'Restart it. […]'],
    ['an order', 'Restart it. Your order 4711123 is on its way.', 'Restart it. […]'],
    ['a parcel', 'Restart it. It is parcel JD0146XYZ.', 'Restart it. […]'],
    ['an amount', 'Restart it. You get €45.90 back.', 'Restart it. […]'],
    ['a date', 'Restart it. We sent it on 12 March.', 'Restart it. […]'],
    ['an English address', 'Restart it. We sent it to 12 Baker Street in London.', 'Restart it. […]'],
    ['a German address', 'Neu starten. Wir senden es in die Hauptstraße 5.', 'Neu starten. […]'],
    ['a French address', 'Redémarrez. Livré au 5, rue de la Paix, 75002.', 'Redémarrez. […]'],
    ['a link', 'Restart it: https://acme.example/orders?token=abc', 'Restart it: […]'],
  ])('takes out %s', (_, reply, expected) => {
    if (typeof expected === 'string') expect(clean(reply)).toBe(expected);
    else expect(clean(reply)).toMatch(expected);
  });

  it.each([
    'Open Settings > Privacy and click “reset all”, then Tools > Options.',
    'Please install Thunderbird version 128000, then restart.',
    'Also, use IMAP instead of POP. It is slow with 3 accounts.',
    '1. Open Settings.\n2. Click Privacy.',
    "I'm sorry that it does not start. You can't lose mail.",
    'Bitte öffnen Sie die Einstellungen und geben Sie das Passwort ein. Danach wird die Anzeige neu geladen.',
  ])('keeps what helps others: %j', (reply) => {
    expect(clean(reply)).toBe(reply);
  });

  it('keeps links that the caller knows', () => {
    expect(
      clean(
        'See https://help.acme.example/1. Or https://evil.example/2.',
        (url) => url === 'https://help.acme.example/1',
      ),
    ).toBe('See https://help.acme.example/1. Or […]');
  });

  it('does not take the words of a ticket for common: whoever asks for a name does not get it', () => {
    expect(clean('We have told Maria.')).toBe('We have told […].');
    expect(impersonal('We have told Maria.', wordsIn(['Maria']))).toBe('We have told Maria.');
  });

  it('lets no address, number or name of two words through, wherever they stand', () => {
    const filler = fc.constantFrom('please restart it', 'open the settings', 'we are sorry', 'then try again');
    const secret = fc.constantFrom(
      'maria.s@home.example',
      '+49 30 90182030',
      'Zaphod Beeblebrox',
      'order 99887766',
      'DE89 3704 0044 0532 0130 00',
      'Mrs Trillian',
    );
    const end = fc.constantFrom('. ', '! ', ', ', '\n', ' ');
    fc.assert(
      fc.property(fc.array(fc.tuple(filler, secret, end), { minLength: 1, maxLength: 8 }), (parts) => {
        const reply = `Hello\n${parts.map(([words, hidden, sign]) => `${words} ${hidden}${sign}`).join('')}`;
        expect(clean(reply)).not.toMatch(/maria|home\.example|9018|Zaphod|Beeblebrox|99887766|3704|Trillian/);
      }),
      { numRuns: 300 },
    );
  });

  it.each(['a', 'A', 'Ab ', '1', '1 ', '.', '. ', ' ', '[…] ', '12 Aa ', 'rue a ', 'www.', '@', 'Hi ', ','])(
    'is quick with any text: %j (C6)',
    (unit) => {
      const startedAt = process.cpuUsage();
      clean(unit.repeat(6_000 / unit.length));
      const { user, system } = process.cpuUsage(startedAt);
      expect((user + system) / 1000).toBeLessThan(1000);
    },
  );

  it('is total', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
        expect(typeof clean(text)).toBe('string');
      }),
    );
  });
});
