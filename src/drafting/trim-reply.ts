import EmailReplyParser from 'email-reply-parser';

type Fragment = ReturnType<ReturnType<EmailReplyParser['read']>['getFragments']>[number];

/** Longer texts are taken as they are: they will be cut to the token budget anyway. */
const PARSE_MAX_CHARACTERS = 50_000;

/** A signature is short. What is longer only begins like one. */
const SIGNATURE_MAX_LINES = 12;
const SIGNATURE_MAX_CHARACTERS = 600;

/** Then the quote is the message. */
const FORWARDED =
  /^[\s>*-]*(begin forwarded message|forwarded message|weitergeleitete nachricht|message transféré|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada|přeposlaná zpráva)/im;

/** Plain text of a mail without the mail it answers and without its signature; never nothing. */
export function trimReply(text: string): string {
  if (text.length > PARSE_MAX_CHARACTERS || FORWARDED.test(text)) return text;
  const fragments = new EmailReplyParser().read(text).getFragments();
  if (isInterleaved(fragments)) return text;
  const kept: string[] = [];
  for (const [index, fragment] of fragments.entries()) {
    if (fragment.isQuoted()) {
      kept.push(withoutIntroduction(kept.pop() ?? ''));
    } else if (!isSignature(fragment, fragments.slice(index + 1))) kept.push(fragment.getContent());
  }
  const trimmed = kept.join('\n').trim();
  return /[\p{L}\p{N}]/u.test(trimmed) ? trimmed : text;
}

/** Answers between the quoted lines make no sense without them. */
function isInterleaved(fragments: readonly Fragment[]): boolean {
  const answered = fragments.filter(
    (fragment, index) => fragment.isQuoted() && fragments.slice(index + 1).some((later) => !later.isHidden()),
  );
  return answered.length > 1;
}

function isSignature(fragment: Fragment, later: readonly Fragment[]): boolean {
  if (!fragment.isSignature() || later.some((other) => !other.isHidden())) return false;
  const content = fragment.getContent().trim();
  const [first = ''] = content.split('\n');
  // the library takes any line of dashes, also the one over a list of steps
  if (/^[-_=+]{2,}$/.test(first.trim()) && first.trim() !== '--') return false;
  if (/^\W*p\.?\s?s\b/im.test(content)) return false;
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
