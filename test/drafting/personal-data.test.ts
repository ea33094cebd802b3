import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMask, restoreValues } from '../../src/drafting/mask.ts';
import { findPersonalData } from '../../src/drafting/personal-data.ts';

const hide = (text: string, names: readonly string[] = []): string => createMask(names).hide(text);

describe('what is taken for personal data', () => {
  it.each([
    ['Write to ada.lovelace+news@mail.example.co.uk, please.', 'Write to [email 1], please.'],
    ['<ada@example.com>, ada@example.com or eve@example.com', '<[email 1]>, [email 1] or [email 2]'],
    ['josé@müller.example and 0171234567@mail.example', '[email 1] and [email 2]'],
    ['https://x.example/?mail=ada@x.example&id=7', 'https://x.example/?mail=[email 1]&id=7'],
    ['https://ada:geheim@files.example/x', 'https://[secret]@files.example/x'],
    ['my card 4111 1111 1111 1111, 12/27', 'my card [card number], 12/27'],
    ['5555-5555-5555-4444 and 378282246310005', '[card number] and [card number]'],
    ['٤١١١ ١١١١ ١١١١ ١١١١ or ４１１１１１１１１１１１１１１１', '[card number] or [card number]'],
    ['DE89 3704 0044 0532 0130 00 is mine', '[IBAN] is mine'],
    ['gb82west12345698765432', '[IBAN]'],
    ['call +49 30 1234567 today', 'call [phone 1] today'],
    ['+1 (555) 123-4567 or (030) 1234567 or 0171/2345678', '[phone 1] or [phone 2] or [phone 3]'],
    ['555-123-4567, 01 23 45 67 89, 06.12.24.36.48, 0036/204215893', '[phone 1], [phone 2], [phone 3], [phone 4]'],
    ['Tel.: 725 646 418, Handy 15123456', 'Tel.: [phone 1], Handy [phone 2]'],
    ['+49 171 2345678 2026-11-24', '[phone 1] 2026-11-24'],
    ['password: x', 'password: [secret]'],
    ['My password is hunter2!', 'My password is [secret]'],
    ['Passwort:\nSommer2024\nDanke', 'Passwort:\n[secret]\nDanke'],
    ['"db_password": "s3cr et", PIN 1234, cvc: 123', '"db_password": "[secret]", PIN [secret], cvc: [secret]'],
    ['sk-proj-abcdefghij1234567890 AKIAIOSFODNN7EXAMPLE', '[secret] [secret]'],
    ['Authorization: Bearer abcdefghijkl1234567890', 'Authorization: Bearer [secret]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N.', '[secret].'],
    ['OPENAI_API_KEY=abc12345678', 'OPENAI_API_KEY=[secret]'],
    [
      'key:\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEowIBAAKCAQEA12345\n-----END RSA PRIVATE KEY-----\nbye',
      'key:\n[secret]\nbye',
    ],
    ['Hello, Ada Lovelace here', 'Hello, [name 1] here'],
    ['your note said [email 1] and [secret]', 'your note said [text 1] and [text 2]'],
  ])('%j becomes %j', (text, masked) => {
    expect(hide(text, ['Ada Lovelace', 'Mark'])).toBe(masked);
  });

  it.each([
    'order 4111 1111 1111 1112 and 1234567890123, tracking 00340434161094042557 and 1Z999AA10123456784',
    'order 732201349959, ticket 5158, purchase 00004587345, #0301234567, INV-555-123-4567',
    'version 115.10.1.2, build 20241101163316, 192.168.178.1, 10-26-2026 4:13',
    '2026-11-24 12:30:05, 24.11.2026 12.30, 08/01/2025 11:55, 12/31/1999 10:23',
    'DE89370400440532013001 and 3550f703-e582-4d05-9a08-453d09bdfdc6, sk-this-is-no-key-at-all-really',
    'my password is not working. Password: I forgot it. Password: https://help.example/reset',
    'The primary password is 100% local. enter my password: 400. Token: expired. Primary password= Master Password. Password: ********',
    'iPhone 13 123456, CPU@3.40GHz, root@localhost, a @ b, Mark it as read, Windows Portable (102.15.1)',
    '44100 - 44100, min/max: 2200/4850, 612 345 678 bytes, t=1692924972; 1800799021',
  ])('leaves %j alone', (text) => {
    expect(hide(text, ['Ada Lovelace', 'Mark'])).toBe(text);
  });
});

/** Each of them began a search that had to be given up, in some library or in an earlier version of ours. */
const FRAGMENTS = [
  ['1.2.3.4.', '4111 ', '4', '0', '+49 ', '(', ') ', '00', 'tel ', 'tel. 1 ', '. ', ' / ', '1 - '],
  ['aaa', '@', 'a@', 'a.', '.a@a.', '%', 'xn--', '://', ':', 'http://a:', '/', '\u00E9', '\u4E2D', '\uD83D\uDE00'],
  [
    'sk-',
    'eyJ',
    'eyJ.',
    'ghp_',
    'password',
    'password:',
    'password: ',
    'password=“',
    'password is ',
    'api key ',
    'pin ',
  ],
  [
    '-----BEGIN RSA PRIVATE KEY-----',
    '-----BEGIN ',
    '-----',
    '\n',
    '\n\n',
    'DE89',
    'GB82 ',
    'DE89 3704 ',
    '[email 1',
    '[',
  ],
  [' ', '"', 'Ada ', 'Ada Lovelace', 'Ada Love'],
].flat();

const fragments = (maxLength: number) => fc.array(fc.constantFrom(...FRAGMENTS), { minLength: 1, maxLength });

describe('the search for personal data', () => {
  it('takes steps in proportion to the text, whatever is repeated in it', () => {
    const stepsOf = (piece: string, length: number): number =>
      findPersonalData(piece.repeat(Math.ceil(length / piece.length)).slice(0, length), ['Ada Lovelace']).steps;
    const check = (piece: string): void => {
      const [once, twice] = [stepsOf(piece, 4_000), stepsOf(piece, 8_000)];
      expect(twice).toBeLessThanOrEqual(2.2 * once + 600);
      expect(twice).toBeLessThanOrEqual(40 * 8_000);
    };
    FRAGMENTS.forEach(check);
    // found by the search below: a value that is given up at its beginning must not be read to its end
    ['password:http://a:', 'password:***********', 'api key:aaaaaaaaaaa'].forEach(check);
    fc.assert(
      fc.property(fragments(4), (pieces) => check(pieces.join(''))),
      { numRuns: 400 },
    );
  });

  it('answers values in order, none inside another', () => {
    fc.assert(
      fc.property(fragments(60), (pieces) => {
        const text = pieces.join('');
        let done = 0;
        for (const { start, end } of findPersonalData(text, ['Ada Lovelace']).values) {
          expect(start).toBeGreaterThanOrEqual(done);
          expect(end).toBeGreaterThan(start);
          done = end;
        }
        expect(done).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
const word = fc.constantFrom('please', 'the', 'order', 'bitte', 'und', 'seit', 'gestern', 'und dann', 'où', '中文');

const email = fc
  .tuple(fc.stringMatching(/^[a-z][a-z0-9._]{0,8}[a-z0-9]$/), fc.stringMatching(/^[a-z][a-z0-9]{1,8}$/))
  .map(([local, host]) => `${local}@${host}.example`);
const phone = fc.oneof(
  digits(7).map((rest) => `+4930${rest}`),
  digits(7).map((rest) => `+44 20 7${rest.slice(0, 3)} ${rest.slice(3)}`),
  digits(7).map((rest) => `(030) ${rest}`),
  digits(7).map((rest) => `(555) ${rest.slice(0, 3)}-${rest.slice(3)}`),
  digits(7).map((rest) => `0171 ${rest}`),
);

/** A digit that makes the sum of ISO/IEC 7812 right, or any other one. */
function withCheckDigit(start: string, wrongBy: number): string {
  const sum = Array.from(start)
    .toReversed()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return start + String((10 - (sum % 10) + wrongBy) % 10);
}
const card = digits(14).map((rest) => withCheckDigit(`4${rest}`, 0));
const spacedCard = card.map((number) => number.replaceAll(/(\d{4})(?=\d)/g, '$1 '));
const secret = fc.stringMatching(/^[A-Za-z0-9]{24}$/).map((rest) => `sk-${rest}7`);

describe('masking', () => {
  it('lets no value through, and gives back what may come back', () => {
    const values = fc.array(fc.tuple(word, fc.oneof(email, phone, card, spacedCard, secret)), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(values, (pairs) => {
        const text = `${pairs.map(([before, value]) => `${before} ${value}`).join(', ')}.`;
        const mask = createMask([]);
        const masked = mask.hide(text);
        for (const [, value] of pairs) expect(masked).not.toContain(value);
        expect(masked).not.toMatch(/\d{5}|@/);
        const { text: restored, unknown } = restoreValues(masked, mask.placeholders());
        expect(unknown).toEqual([]);
        for (const [, value] of pairs) {
          const comesBack = /@|^[+(]|^0171/.test(value);
          expect(restored.includes(value)).toBe(comesBack);
        }
      }),
    );
  });

  it('is undone exactly where nothing was withheld, also by who writes our placeholders himself', () => {
    const anything = fc.oneof(
      fragments(30).map((pieces) => pieces.join('')),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
    );
    const own = fc.constantFrom('[email 1]', '[text 1]', '[name 2]', '[phone 1] ada@x.example', '[IBAN]', '[secret]');
    fc.assert(
      fc.property(fc.array(fc.oneof(anything, own, email, phone), { maxLength: 5 }), (parts) => {
        const text = parts.join(' ');
        const mask = createMask(['Ada Lovelace']);
        const masked = mask.hide(text);
        const kinds = findPersonalData(text, ['Ada Lovelace']).values.map(({ kind }) => kind);
        fc.pre(!kinds.some((kind) => kind === 'secret' || kind === 'IBAN' || kind === 'card number'));
        expect(restoreValues(masked, mask.placeholders()).text).toBe(text);
      }),
    );
  });

  it('takes no number for a card whose check digit is wrong', () => {
    const numbers = fc.tuple(
      fc.constantFrom('4', '51', '34', '62', '3530'),
      digits(14),
      fc.integer({ min: 1, max: 9 }),
    );
    fc.assert(
      fc.property(numbers, ([network, rest, wrongBy]) => {
        const number = withCheckDigit((network + rest).slice(0, 15), wrongBy);
        expect(hide(`order ${number} came`)).toBe(`order ${number} came`);
      }),
    );
  });

  it('keeps a value of which nobody may learn out of what is stored', () => {
    const mask = createMask([]);
    mask.hide('4111 1111 1111 1111, password: hunter2, DE89 3704 0044 0532 0130 00, ada@example.com');
    expect(mask.placeholders()).toEqual({ '[email 1]': 'ada@example.com' });
  });

  it('has the same placeholder for the same value in all texts of a ticket', () => {
    const mask = createMask([]);
    expect([mask.hide('a@x.example b@x.example'), mask.hide('b@x.example'), mask.hideName('Ada')]).toEqual([
      '[email 1] [email 2]',
      '[email 2]',
      '[name 1]',
    ]);
  });
});

describe('what a model wrote', () => {
  const placeholders = { '[email 1]': 'ada@example.com', '[name 1]': 'Ada $& Lovelace' };

  it('gets its values again, also where it writes them in capitals', () => {
    const { text, unknown } = restoreValues('Hi [name 1], we wrote to [Email 1] ([email 1]).', placeholders);
    expect(text).toBe('Hi Ada $& Lovelace, we wrote to ada@example.com (ada@example.com).');
    expect(unknown).toEqual([]);
  });

  it('keeps what it made up or mangled, and what nobody may repeat', () => {
    const written = 'On [email 2], [e-mail 1], [téléphone 1] and [constructor 1]: [card number] [secret] [IBAN]';
    expect(restoreValues(written, placeholders)).toEqual({
      text: written,
      withheld: ['[card number]', '[secret]', '[IBAN]'],
      unknown: ['[email 2]', '[e-mail 1]', '[téléphone 1]', '[constructor 1]'],
    });
  });
});
