import EmailReplyParser from 'email-reply-parser';

type Fragment = ReturnType<ReturnType<EmailReplyParser['read']>['getFragments']>[number];

/**
 * The library's patterns take cubic time on texts made for it (measured: 25 s for 40,000 characters, 170 s for one line
 * of 50,000). So it sees the beginning of a message only, where a reply is, and no line longer than any real header.
 */
const READ_MAX_CHARACTERS = 3_000;
const LINE_MAX_CHARACTERS = 300;

/** A signature is short. What is longer only begins like one. */
const SIGNATURE_MAX_LINES = 12;
const SIGNATURE_MAX_CHARACTERS = 600;

/** Then the quote is the message. */
const FORWARDED =
  /^[ >*-]*(begin forwarded message|forwarded message|weitergeleitete nachricht|message transféré|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada|přeposlaná zpráva)/im;

/** What Outlook writes over the mail it quotes; the library knows it only with an address and without a line above. */
const OUTLOOK_HEADER =
  /\n(?:[_-]{5,}\n)?[*]?(?:From|Von|De|Da|Van|Fra|Från|Od|От|Kimden) ?:.{1,300}\n[*]?(?:Sent|Gesendet|Envoyé|Enviad[oa](?: el| em)?|Inviato|Verzonden|Sendt|Skickat|Odesláno|Wysłano|Отправлено|Gönderildi) ?:/;

/**
 * A mail's plain text without the mail it answers and without its signature; never nothing. Expects no runs of blank
 * lines.
 */
export function trimReply(text: string): string {
  if (FORWARDED.test(text)) return text;
  const quoteAt = text.search(OUTLOOK_HEADER);
  const own = quoteAt < 0 ? text : text.slice(0, quoteAt);
  const trimmed = trimFragments(own).trim();
  return /[\p{L}\p{N}]/u.test(trimmed) ? trimmed : text;
}

function trimFragments(text: string): string {
  const end = text.length <= READ_MAX_CHARACTERS ? text.length : text.lastIndexOf('\n', READ_MAX_CHARACTERS);
  if (end <= 0) return text;
  const { short, restore } = shortenLines(text.slice(0, end));
  const fragments = new EmailReplyParser().read(short).getFragments();
  if (isInterleaved(fragments)) return text;
  const rest = text.slice(end);
  const kept: string[] = [];
  for (const [index, fragment] of fragments.entries()) {
    if (fragment.isQuoted()) kept.push(withoutIntroduction(kept.pop() ?? ''));
    else if (rest !== '' || !isSignature(fragment, fragments.slice(index + 1))) kept.push(fragment.getContent());
  }
  return restore(kept.join('\n')) + (isQuotedToItsEnd(fragments) ? '' : rest);
}

/** Puts stand-ins in place of long lines, and back. */
function shortenLines(text: string): { readonly short: string; readonly restore: (text: string) => string } {
  const long: string[] = [];
  const short = text.replaceAll('\uE000', '').replaceAll(/^.+$/gm, (line) => {
    if (line.length <= LINE_MAX_CHARACTERS) return line;
    return `${line.startsWith('>') ? '> ' : ''}\uE000${long.push(line) - 1}\uE000`;
  });
  return {
    short,
    restore: (trimmed) => trimmed.replaceAll(/(?:> )?\uE000(\d+)\uE000/g, (_, index) => long[Number(index)] ?? ''),
  };
}

/** The quote has no marks of its own, so that it goes on to the end of the message. */
function isQuotedToItsEnd(fragments: readonly Fragment[]): boolean {
  const last = fragments.at(-1);
  return last?.isQuoted() === true && !(last.getContent().trimEnd().split('\n').at(-1) ?? '').startsWith('>');
}

/** Words around or between the quoted lines make no sense without them: somebody cites, or answers line by line. */
function isInterleaved(fragments: readonly Fragment[]): boolean {
  const firstSeen = fragments.findIndex((fragment) => !fragment.isHidden());
  const lastSeen = fragments.findLastIndex((fragment) => !fragment.isHidden());
  const quotes = fragments.slice(0, Math.max(0, lastSeen)).filter((fragment) => fragment.isQuoted());
  return (
    quotes.length > 1 ||
    fragments.slice(Math.max(0, firstSeen), Math.max(0, lastSeen)).some((fragment) => fragment.isQuoted())
  );
}

function isSignature(fragment: Fragment, later: readonly Fragment[]): boolean {
  if (!fragment.isSignature() || later.some((other) => !other.isHidden())) return false;
  const content = fragment.getContent().trim();
  const [first = ''] = content.split('\n');
  // the library takes any line of dashes, also the one over a list of steps
  if (/^[-_=+]{2,}$/.test(first.trim()) && first.trim() !== '--') return false;
  if (/^ *p\.? ?s\b/im.test(content)) return false;
  return content.length <= SIGNATURE_MAX_CHARACTERS && content.split('\n').length <= SIGNATURE_MAX_LINES;
}

/** "… wrote:" in the languages that the library does not know: a last paragraph with a date, an address and a colon. */
function withoutIntroduction(text: string): string {
  const body = text.trimEnd();
  const start = body.lastIndexOf('\n\n') + 1;
  const last = body.slice(start);
  const introduces = last.length <= 300 && /[:：]$/.test(last) && /\d/.test(last) && /[@<]/.test(last);
  return introduces ? body.slice(0, start) : text;
}
