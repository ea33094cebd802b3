import { describe, expect, it } from 'vitest';
import { trimReply } from '../../src/drafting/trim-reply.ts';

const QUOTE = '> Please restart.\n> Bye';

describe('trimReply', () => {
  it.each([
    ['English', 'On Mon, Nov 23, 2026 at 10:00 AM Support <help@acme.example> wrote:'],
    ['English in two lines', 'On Mon, Nov 23, 2026 at 10:00 AM Acme Support\n<help@acme.example> wrote:\n'],
    ['German', 'Am Mo., 23. Nov. 2026 um 10:00 Uhr schrieb Support <help@acme.example>:\n'],
    ['German, Thunderbird', 'Am 23.11.26 um 10:00 schrieb Support:'],
    ['French', 'Le lun. 23 nov. 2026 à 10:00, Support <help@acme.example> a écrit :\n'],
    ['Spanish', 'El lun, 23 nov 2026 a las 10:00, Support (<help@acme.example>) escribió:\n'],
    ['Italian', 'Il giorno lun 23 nov 2026 alle ore 10:00 Support <help@acme.example> ha scritto:\n'],
    ['Dutch', 'Op ma 23 nov 2026 om 10:00 schreef Support <help@acme.example>:\n'],
    ['Portuguese', 'Em seg., 23 de nov. de 2026 às 10:00, Support <help@acme.example> escreveu:\n'],
    ['Swedish', 'Den mån 23 nov. 2026 kl 10:00 skrev Support <help@acme.example>:\n'],
    ['Polish', 'pon., 23 lis 2026 o 10:00 Support <help@acme.example> napisał(a):\n'],
    ['Czech', 'po 23. 11. 2026 v 10:00 odesílatel Support <help@acme.example> napsal:\n'],
    ['Russian', 'пн, 23 нояб. 2026 г. в 10:00, Support <help@acme.example>:\n'],
    ['Japanese', '2026年11月23日(月) 10:00 Support <help@acme.example>:\n'],
    ['Turkish', 'Support <help@acme.example>, 23 Kas 2026 Pzt, 10:00 tarihinde şunu yazdı:\n'],
  ])('leaves out quoted mail with its introduction: %s', (_, introduction) => {
    expect(trimReply(`It still fails.\n\n${introduction}\n${QUOTE}`)).toBe('It still fails.');
  });

  it.each([
    [
      'Outlook',
      'From: Support <h@a.example>\nSent: Monday, November 23, 2026 10:00 AM\nTo: C\nSubject: RE: Bill\n\nPlease restart.',
    ],
    ['Outlook without addresses', 'From: Support\nSent: Monday\nTo: C\nSubject: RE: Bill\n\nPlease restart.'],
    [
      'Outlook with a line',
      '________________________________\nFrom: Support <h@a.example>\nSent: Monday\nTo: C\n\nPlease restart.',
    ],
    ['German Outlook', 'Von: Support <h@a.example>\nGesendet: Montag\nAn: K\nBetreff: AW\n\nBitte neu starten.'],
    ['an original message', '-----Original Message-----\nFrom: Support\n\nPlease restart.'],
    ['a telephone', 'Sent from my iPhone\n\n> On 23 Nov 2026, at 10:00, S <h@a.example> wrote:\n>\n> Please restart.'],
    ['a signature', '-- \nAda Lovelace\nAnalyst, Acme\n+44 1'],
    ['a German telephone', 'Von meinem iPhone gesendet'],
  ])('leaves out the end of mails from %s', (_, end) => {
    expect(trimReply(`It fails.\n\n${end}`)).toBe('It fails.');
  });

  it.each([
    ['answers between the lines', '> Which version?\n\nVersion 5.\n\n> Since when?\n\nSince Monday.'],
    ['a citation in the middle', 'The log says\n\n> error 5\n\nand then nothing.'],
    ['a line over a list', 'Steps:\n---\n1. open\n2. crash'],
    ['a postscript', 'It fails.\n\nRegards,\nAda\n\nPS: order 4711'],
    [
      'a forwarded mail',
      'See below.\n\n---------- Forwarded message ---------\nFrom: Bob <b@x.example>\n\nMy order is late.',
    ],
    ['a program that wrote', 'On Monday the app wrote:\nerror 5\nand then it closed'],
    ['a router', 'From: 10.0.0.1 the router says it fails'],
    ['nothing but a quote', '> My order is late'],
    ['nothing but a signature', '-- \nAda'],
  ])('keeps %s', (_, whole) => {
    expect(trimReply(whole)).toBe(whole);
  });

  it('drops a quote over the answer, keeps long lines whole', () => {
    const long = `Version 5 ${'and so on '.repeat(60)}end`;
    expect(trimReply(`On Mon, Nov 23, 2026 at 10:00 AM S <h@a.example> wrote:\n> Which?\n\n${long}`)).toBe(long);
  });

  it('drops a long quote without marks to its end', () => {
    const quote = 'From: Support <h@a.example>\nSent: Monday\n\n' + 'Please restart.\n'.repeat(1000);
    expect(trimReply(`It fails.\n\n${quote}`)).toBe('It fails.');
  });

  // each took the library from seconds to minutes
  it.each([
    ['one line', 'x on y at '.repeat(5000)],
    ['dates', '12.12.2026 12.12 " < > '.repeat(2000)],
    ['Dutch lines', 'Op a schreef b\n'.repeat(3000)],
    ['Dutch in two lines', 'Op a\nschreef b\n'.repeat(3000)],
    ['Scandinavian lines', 'abc. a\n'.repeat(200) + ' skrev a\n'.repeat(3000)],
  ])('is quick with %s made to be slow', (_, text) => {
    const startedAt = process.cpuUsage();
    trimReply(text);
    const { user, system } = process.cpuUsage(startedAt);
    expect((user + system) / 1000).toBeLessThan(500);
  });
});
