import { findPersonalData } from './personal-data.ts';

/** Stands for what was taken out of a text. */
export const REMOVED = '[…]';

/**
 * An agent's reply to another customer, without what says who that was and what their case was: it goes into the prompt
 * of a stranger's ticket, and nobody can take it out of the draft afterwards. Greeting and sign-off go; sentences with an
 * address, a number, a date or an amount go; a name becomes a mark. No list knows all names, so a word with a capital
 * letter stays only where the team uses it in texts for everybody (`common`, lower case) or where its place says that it
 * is none. `keepLink`: which addresses may stay.
 */
export function impersonal(
  reply: string,
  common: ReadonlySet<string>,
  keepLink: (url: string) => boolean = () => false,
): string {
  const { kept, frame } = withoutFrame(reply.split('\n').filter((line) => !QUOTED.test(line)));
  const nouns = capitalizesNouns(kept.join('\n'));
  // who was greeted may be named again, also where a capital letter says nothing
  const names = new Set((frame.match(WORD) ?? []).filter((word) => isNameAlike(word, common)).map(bare));
  const lines = kept.map((line) =>
    line
      .split(SENTENCE_END)
      .map((sentence) => sentence.replaceAll(LINK, (url) => (keepLink(linkOnly(url)) ? url : REMOVED)))
      .map((sentence) => {
        const named = withoutNames(sentence, { common, nouns, names });
        return isAboutSomebody(sentence, common) ? REMOVED : named;
      })
      .join(' '),
  );
  return lines
    .map((line) =>
      line.replaceAll(NOT_LINK_WORD, (word) => (names.has(bare(word)) && isNameAlike(word, common) ? REMOVED : word)),
    )
    .join('\n')
    .replaceAll(/(?:\[…\] ?){2,}/g, `${REMOVED} `)
    .replaceAll(/(?:^\[…\] *\n){2,}/gm, `${REMOVED}\n`)
    .trim();
}

/** A mail that the agent answers, and the line that says who wrote it. */
const QUOTED =
  /^ {0,3}>|^\W{0,3}(?:\S{1,40} ){1,4}(?:said|wrote|schrieb|a écrit|ha scritto|schreef|escribió|napsala?)\W{0,3}$/iu;
const WORD = /\p{L}[\p{L}\p{M}'’]*/gu;
const NOT_LINK_WORD = /(?:https?:\/\/|www\.)\S+|\p{L}[\p{L}\p{M}'’]*/giu;

/** As it is looked for: without case and the English genitive. */
function bare(word: string): string {
  return word.toLowerCase().replaceAll('’', "'").replace(/'s$/, '');
}

/** Begins with a capital letter, and is no word that everybody uses. */
function isNameAlike(word: string, common: ReadonlySet<string>): boolean {
  if (!/^\p{Lu}/u.test(word) || word.length < 2 || /^(?:https?|www)[:.]/i.test(word)) return false;
  return ![common, ACRONYMS, PRONOUNS].some(
    (known) => known.has(bare(word)) || known.has(word.toLowerCase().replaceAll('’', "'")),
  );
}

/** The words that a text for everybody uses. */
export function wordsIn(texts: readonly string[]): ReadonlySet<string> {
  return new Set(texts.flatMap((text) => text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []));
}

const LINK = /(?:https?:\/\/|www\.)\S{1,2000}/gi;
const SENTENCE_END = /(?<=[.!?。！？])[ ]+/;

function linkOnly(url: string): string {
  return url.replace(/[.,;:!?)\]>"'»”]+$/, '');
}

const GREETING =
  /^\W{0,3}(?:hi|hello|hey|hiya|dear|greetings|good (?:morning|afternoon|evening|day)|hallo|moin|servus|guten (?:tag|morgen|abend)|grüezi|liebe[rs]?|sehr geehrte[rs]?|bonjour|bonsoir|salut|chère?|hola|estimad[oa]s?|buen[oa]s (?:días|tardes|noches)|buongiorno|buonasera|ciao|salve|gentile|car[oa]|egregio|beste|geachte|goede(?:morgen|middag|navond)|dag|olá|oi|prezad[oa]|bom dia|boa tarde|dobrý den|ahoj|zdravím|vážen[ýá]|cześć|dzień dobry|szanown[ya]|hej|kære|hei|tere|merhaba|sayın|здравствуйте|добрый день|уважаем\p{L}*)(?!\p{L})/iu;
const SIGN_OFF =
  /^\W{0,3}(?:-- ?$|(?:(?:kind|best|warm|many|kindest|with) ?(?:regards|wishes|greetings)?|regards|sincerely|yours|cheers|thank you|thanks|all the best|take care)[ ,.!]*$|(?:kind|best|warm|kindest) (?:regards|wishes)|yours (?:sincerely|faithfully|truly)|mit (?:freundlichen|besten|lieben)|(?:freundliche|viele|beste|liebe|herzliche|schöne) grü(?:ß|ss)|(?:bien )?cordialement|bien à vous|sincères salutations|(?:un )?saludos?[ ,.!]*|atentamente|(?:cordiali|distinti|cari) saluti|saluti|met (?:vriendelijke|hartelijke)|groet|s pozdravem|hezký den|atenciosamente|com os melhores|abraços|pozdrawiam|z poważaniem|(?:med )?venlig|med vänlig|vennlig|с уважением|saygılar|敬具|よろしく|以上)/iu;
/** Lines: sign-offs stand at the end. */
const SIGN_OFF_LINES = 12;

/** Without its first line's greeting and all that follows the sign-off; `frame` is what was left out. */
function withoutFrame(lines: readonly string[]): { readonly kept: readonly string[]; readonly frame: string } {
  const end = lines.findIndex((line, index) => index >= lines.length - SIGN_OFF_LINES && SIGN_OFF.test(line.trim()));
  const body = lines.slice(0, end < 0 ? lines.length : end);
  const tail = end < 0 ? '' : lines.slice(end + 1).join('\n');
  const first = body.findIndex((line) => line.trim() !== '');
  const line = body[first]?.trim() ?? '';
  const isGreeting = GREETING.test(line) || /^\S{1,20}(?:様|さま|さん)/.test(line);
  if (!isGreeting) return { kept: body, frame: tail };
  // a greeting ends with its line or its first sign
  const [found = ''] = /^[^,:!.、\n]{0,80}[,:!.、]*/.exec(line) ?? [];
  const greeting = found === '' || found.length >= 80 ? line : found;
  return { kept: [line.slice(greeting.length).trim(), ...body.slice(first + 1)], frame: `${greeting}\n${tail}` };
}

const STREET =
  /\p{L}(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|straat|laan|gracht|plein|kade)\s{0,2}\d|\d{1,5}\p{L}?,? (?:\p{Lu}\p{L}{1,20} ){1,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|square|way|close|terrace)\b|\b(?:rue|avenue|boulevard|via|viale|piazza|corso|calle|avenida|plaza|rua|praça|ulica|ulice|ul\.|náměstí) (?:[\p{L}'’.]{1,20} ){0,4}[\p{L}'’.]{0,20},? ?\d|p\. ?o\. box/iu;
const DATE =
  /\b\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{1,2}\.? ?(?:st|nd|rd|th)?(?: of)? (?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\p{L}{0,6}\.? \d{1,2}\b/iu;
const MONEY = /[€$£¥₹₽]\s?\d|\d\s?(?:[€$£¥₹₽]|(?:eur|usd|gbp|chf|euros?|dollars?|kč|zł|kr|pln)(?!\p{L}))/iu;
const TITLED =
  /(?<!\p{L})(?:mr|mrs|ms|miss|mx|dr|prof|herrn?|frau|m\.|mme|mlle|monsieur|madame|sr|sra|señora?|sig|sig\.ra|signora?|dhr|mevr|mevrouw|meneer|pan|paní|pani|senhora?|fru)\.? \p{Lu}/iu;
const SAYS_WHO =
  /\b(?:my name is|your name is|name:|on behalf of|mein name|im namen von|je m'appelle|me llamo|mi chiamo|mijn naam|jmenuji se)(?!\p{L})/iu;

/** Whose account, order or address it is: the whole sentence is about them. */
function isAboutSomebody(sentence: string, common: ReadonlySet<string>): boolean {
  if ([STREET, DATE, MONEY, TITLED, SAYS_WHO].some((pattern) => pattern.test(sentence))) return true;
  if (findPersonalData(sentence).values.length > 0) return true;
  const codes = sentence.replaceAll(LINK, '').match(/[\p{L}\p{N}_-]*\d[\p{L}\p{N}_-]*/gu) ?? [];
  return codes.some((code) => isIdentifying(code) && !common.has(code.toLowerCase()));
}

/** A number of four digits and more, or a code of letters and digits: of an order, a parcel, a customer. */
function isIdentifying(code: string): boolean {
  const digits = code.replaceAll(/\P{N}/gu, '').length;
  return digits >= 4 || (digits >= 2 && code.length >= 6 && /\p{L}/u.test(code));
}

/** German, where a capital letter says nothing: so many of the words inside of sentences have one. */
const NOUNS_SHARE = 0.15;
const BEFORE_NOUN =
  /(?<!\p{L})(?:d(?:er|ie|as|en|em|es)|(?:k?ein|[mds]ein|ihr|unser|euer|eur)(?:e[rsnm]?)?|diese[rsnm]?|jede[rsnm]?|welche[rsnm]?|alle[rn]?|i[mn]s?|am|ans|zu[mr]|beim|vom|aufs?|ins|pro|per|ohne|als|keine?|mehr|neue[rsnm]?|richtige[rsnm]?) $/iu;
/** What makes a capital letter inside a sentence no name: a menu. Quotes do not: they hold names of senders, too. */
const LABEL_BEFORE = /\p{L}["”’]? ?(?:>|→|->) ?$/u;
const LABEL_AFTER = /^ ?(?:>|→|->) ?\p{L}/u;
const ACRONYMS = new Set(
  'pdf usb vpn url faq sms sim api csv html http https imap smtp pop tls ssl dns wifi ios ok id it pc tv qr'.split(' '),
);
const PRONOUNS = new Set(
  "i i'm i've i'll i'd it this that there he she they we you what which who if as the your our sie er es wir ihr das dies man il elle ce on vous nous je ella esto eso usted lei questo het dit dat u wij ze to toto".split(
    ' ',
  ),
);
const FIRST_BEFORE_COMMA = new Set(
  'however also then first firstly second secondly next finally therefore thus unfortunately yes no please otherwise alternatively sorry thanks well so now instead additionally furthermore afterwards meanwhile ja nein leider bitte danach zuerst dann außerdem also oui non merci ensuite enfin sí no gracias primero luego grazie prego purtroppo poi nee helaas eerst daarna ano ne bohužel'.split(
    ' ',
  ),
);

function capitalizesNouns(text: string): boolean {
  const inside = text.match(/(?<=\p{Ll},? )\p{L}[\p{L}\p{M}]+/gu) ?? [];
  const capitals = inside.filter((word) => /^\p{Lu}/u.test(word));
  return inside.length >= 8 && capitals.length / inside.length > NOUNS_SHARE;
}

interface Known {
  readonly common: ReadonlySet<string>;
  readonly nouns: boolean;
  /** Grows with each that is found. */
  readonly names: Set<string>;
}

function withoutNames(sentence: string, { common, nouns, names }: Known): string {
  let first = true;
  return sentence.replaceAll(NOT_LINK_WORD, (word, offset: number) => {
    const starts = first;
    first = false;
    if (!isNameAlike(word, common)) return word;
    const before = sentence.slice(Math.max(0, offset - 16), offset);
    const after = sentence.slice(offset + word.length, offset + word.length + 24);
    if (!isName(word, { starts, before, after, nouns }, common)) return word;
    // a German noun is taken out in some places only
    if (!nouns) names.add(bare(word));
    return REMOVED;
  });
}

interface Place {
  /** The first word of its sentence. */
  readonly starts: boolean;
  readonly before: string;
  readonly after: string;
  readonly nouns: boolean;
}

function isName(word: string, { starts, before, after, nouns }: Place, common: ReadonlySet<string>): boolean {
  const lower = word.toLowerCase().replaceAll('’', "'");
  if (LABEL_BEFORE.test(before) || LABEL_AFTER.test(after)) return false;
  if (!starts) return !(nouns && BEFORE_NOUN.test(before));
  if (lower.endsWith("'s")) return true;
  if (after.startsWith(',')) return !FIRST_BEFORE_COMMA.has(lower);
  // a second capital, or somebody who did something
  return (
    (!nouns && isSecondName(after, common)) ||
    /^ (?:has|had|is|was|wrote|told|asked|said|called|hat|hatte|ist|war|schrieb|a|est|ha|è|heeft|je|má)(?!\p{L})/u.test(
      after,
    )
  );
}

function isSecondName(after: string, common: ReadonlySet<string>): boolean {
  const [, second = ''] = /^ (\p{Lu}\p{Ll}[\p{L}\p{M}]*)/u.exec(after) ?? [];
  return second !== '' && !common.has(second.toLowerCase());
}
