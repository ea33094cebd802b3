import { createHmac } from 'node:crypto';
import type { Random } from '../../src/core/clock.ts';

/*
 * Genuine webhooks of both helpdesks and everything that can be done to one without knowing its secret. A mutation that
 * would mean the same (case of a header's name, spaces around its value, spare bits of base64) is none and is not made.
 */

export const ZENDESK_SECRETS = ['zendesk-secret-New-7f3a', 'zendesk-secret-Old-91bc'] as const;
export const FRESHDESK_TOKENS = ['freshdesk-token-New-5d2e', 'freshdesk-token-Old-c04f'] as const;

export interface SentWebhook {
  readonly helpdesk: 'zendesk' | 'freshdesk';
  /** As lines on the wire: a name may come twice. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

export interface Mutation extends SentWebhook {
  readonly what: string;
}

const SIGNATURE = 'X-Zendesk-Webhook-Signature';
const STAMP = 'X-Zendesk-Webhook-Signature-Timestamp';
const TOKEN = 'X-Draftdesk-Token';
const JSON_TYPE = ['Content-Type', 'application/json'] as const;

export interface WebhookSource {
  readonly random: Random;
  /** Epoch ms of the receiver. */
  readonly now: number;
}

const below = (random: Random, n: number): number => Math.floor(random() * n);

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

function isoSeconds(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function sign(secret: string, parts: readonly (string | Buffer)[], algorithm = 'sha256'): string {
  const hmac = createHmac(algorithm, secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest('base64');
}

interface ZendeskParts {
  readonly body: Buffer;
  readonly stamp: string;
  readonly signature: string;
}

function zendeskParts({ random, now }: WebhookSource, secret: string = ZENDESK_SECRETS[0], ageMs?: number) {
  const id = below(random, 1e9) + 1;
  const stamp = isoSeconds(now - (ageMs ?? below(random, 600_000) - 300_000));
  const bodies = [
    { ticket_id: String(id), updated_at: stamp },
    {
      id: `event-${id}`,
      type: 'zen:event-type:ticket.created',
      detail: { id: String(id), is_public: true, status: 'OPEN', subject: 'Où est “ma” commande?' },
      event: {},
    },
  ];
  const body = Buffer.from(JSON.stringify(pick(random, bodies)));
  return { body, stamp, signature: sign(secret, [stamp, body]) };
}

function zendesk(parts: ZendeskParts): SentWebhook {
  const headers = [JSON_TYPE, [SIGNATURE, parts.signature], [STAMP, parts.stamp]] as const;
  return { helpdesk: 'zendesk', body: parts.body, headers };
}

function freshdeskBody({ random }: WebhookSource): Buffer {
  return Buffer.from(JSON.stringify({ ticket_id: String(below(random, 1e9) + 1), event: '{ticket_action:created}' }));
}

const basic = (pair: string): readonly [string, string] => [
  'Authorization',
  `Basic ${Buffer.from(pair, 'latin1').toString('base64')}`,
];

/** A webhook as its helpdesk sends it, under the secret of this place. */
export function genuineWebhook(source: WebhookSource, secret = 0): SentWebhook {
  if (source.random() < 0.5) return zendesk(zendeskParts(source, ZENDESK_SECRETS[secret]));
  const token = FRESHDESK_TOKENS[secret] ?? '';
  const header = source.random() < 0.5 ? ([TOKEN, token] as const) : basic(`draftdesk:${token}`);
  return { helpdesk: 'freshdesk', headers: [JSON_TYPE, header], body: freshdeskBody(source) };
}

/** One bit of one byte. */
function flipBit(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const index = below(random, copy.length);
  copy[index] = (copy[index] ?? 0) ^ (1 << below(random, 8));
  return copy;
}

/** One bit of one character, such that it still can stand in a header's value. */
function flipText(random: Random, text: string): string {
  for (;;) {
    const bytes = flipBit(random, Buffer.from(text, 'latin1'));
    if (bytes.every((byte) => byte > 0x20 && byte !== 0x7f)) return bytes.toString('latin1');
  }
}

const swapCase = (text: string): string =>
  text.replaceAll(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()));

type TextChange = (text: string, random: Random) => string;

/** What can be done to a secret text whose every character counts. */
const TEXT_CHANGES: Readonly<Record<string, TextChange>> = {
  'a bit': (text, random) => flipText(random, text),
  'two bits': (text, random) => {
    const once = flipText(random, text);
    let twice = flipText(random, once);
    while (twice === text) twice = flipText(random, once);
    return twice;
  },
  'cut at its end': (text, random) => text.slice(0, below(random, text.length)),
  'cut at its start': (text, random) => text.slice(1 + below(random, text.length)),
  longer: (text, random) => text + pick(random, ['=', 'x', '!!!!', '0', '%00']),
  'twice in a row': (text) => text + text,
  'a list': (text) => `${text}, ${text}`,
  'a list without space': (text) => `${text},${text}`,
  'case swapped': swapCase,
  'upper case': (text) => text.toUpperCase(),
  'lower case': (text) => text.toLowerCase(),
  quoted: (text) => `"${text}"`,
  'percent-encoded': (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join(''),
  'as base64': (text) => Buffer.from(text).toString('base64'),
  'as hex': (text) => Buffer.from(text).toString('hex'),
  'with a prefix': (text, random) => pick(random, ['sha256=', 'Bearer ', 'Token ', 'v1=']) + text,
  'two characters exchanged': (text, random) => {
    for (;;) {
      const at = below(random, text.length - 1);
      const changed = text.slice(0, at) + (text[at + 1] ?? '') + (text[at] ?? '') + text.slice(at + 2);
      if (changed !== text) return changed;
    }
  },
  'spaces inside': (text, random) => {
    const at = 1 + below(random, text.length - 1);
    return `${text.slice(0, at)} ${text.slice(at)}`;
  },
  empty: () => '',
};

type Change = (source: WebhookSource) => SentWebhook;

/** Every change of a text, done to one part of a webhook. */
function ofEach(make: (change: TextChange) => Change, part: string, except: readonly string[] = []) {
  const changes = Object.entries(TEXT_CHANGES).filter(([what]) => !except.includes(what));
  return Object.fromEntries(changes.map(([what, change]) => [`${part} ${what}`, make(change)]));
}

function zendeskChange(change: (parts: ZendeskParts, source: WebhookSource) => Partial<ZendeskParts>): Change {
  return (source) => {
    const parts = zendeskParts(source);
    return zendesk({ ...parts, ...change(parts, source) });
  };
}

/** Signed as an attacker can: by a key or a scheme that is not ours. */
function signedAs(signature: (parts: ZendeskParts) => string): Change {
  return zendeskChange((parts) => ({ signature: signature(parts) }));
}

const [SECRET] = ZENDESK_SECRETS;

const ZENDESK_CHANGES: Readonly<Record<string, Change>> = {
  'a bit of the body': zendeskChange(({ body }, { random }) => ({ body: flipBit(random, body) })),
  'the body cut': zendeskChange(({ body }, { random }) => ({ body: body.subarray(0, below(random, body.length)) })),
  'the body longer': zendeskChange(({ body }, { random }) => ({
    body: Buffer.concat([body, Buffer.from(pick(random, ['\n', ' ', '\r\n', '\0', '{}']))]),
  })),
  'a byte order mark': zendeskChange(({ body }) => ({ body: Buffer.concat([Buffer.from('\ufeff'), body]) })),
  're-serialised': zendeskChange(({ body }) => ({
    body: Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1)),
  })),
  'escaped differently': zendeskChange(({ body }) => ({
    body: Buffer.from(
      body
        .toString()
        .replace('"ticket', String.raw`"\u0074icket`)
        .replace('"id"', String.raw`"\u0069d"`),
    ),
  })),
  'the body of another': zendeskChange((_, source) => ({ body: zendeskParts(source).body })),
  'the stamp of another': zendeskChange(({ stamp }, source) => {
    for (;;) {
      const other = zendeskParts(source).stamp;
      if (other !== stamp) return { stamp: other };
    }
  }),
  'the signature of another': zendeskChange((_, source) => ({ signature: zendeskParts(source).signature })),
  'the stamp in another form': zendeskChange(({ stamp }, { random }) => {
    const at = Date.parse(stamp);
    const forms = [stamp.replace('Z', '.000Z'), stamp.replace('Z', '+00:00'), stamp.toLowerCase(), `${stamp} junk`];
    return { stamp: pick(random, [...forms, String(at), String(at / 1000), stamp.slice(0, 10), '0', '-1', '1e12']) };
  }),
  'too old or too new, signed well': (source) => {
    const age = 301_000 + below(source.random, 1e9);
    return zendesk(zendeskParts(source, SECRET, source.random() < 0.5 ? age : -age));
  },
  'no padding': signedAs(({ signature }) => signature.replaceAll('=', '')),
  'hex of the digest': signedAs(({ signature }) => Buffer.from(signature, 'base64').toString('hex')),
  'an empty key': signedAs(({ stamp, body }) => sign('', [stamp, body])),
  'the key in another case': signedAs(({ stamp, body }) => sign(swapCase(SECRET), [stamp, body])),
  'the key with a line end': signedAs(({ stamp, body }) => sign(`${SECRET}\n`, [stamp, body])),
  'the key decoded': signedAs(({ stamp, body }) =>
    sign(Buffer.from(SECRET, 'base64').toString('latin1'), [stamp, body]),
  ),
  'the key of the other helpdesk': signedAs(({ stamp, body }) => sign(FRESHDESK_TOKENS[0], [stamp, body])),
  'the body before the stamp': signedAs(({ stamp, body }) => sign(SECRET, [body, stamp])),
  'the stamp not signed': signedAs(({ body }) => sign(SECRET, [body])),
  'the body not signed': signedAs(({ stamp }) => sign(SECRET, [stamp])),
  'another hash': signedAs(({ stamp, body }) => sign(SECRET, [stamp, body], 'sha1')),
  'a longer hash': signedAs(({ stamp, body }) => sign(SECRET, [stamp, body], 'sha512')),
  'headers twice': (source) => {
    const { headers, ...rest } = zendesk(zendeskParts(source));
    const twice = pick(source.random, [[SIGNATURE], [STAMP], [SIGNATURE, STAMP]]);
    return { ...rest, headers: [...headers, ...headers.filter(([name]) => twice.includes(name))] };
  },
  'a header left out': (source) => {
    const { headers, ...rest } = zendesk(zendeskParts(source));
    const without = pick(source.random, [[SIGNATURE], [STAMP], [SIGNATURE, STAMP]]);
    return { ...rest, headers: headers.filter(([name]) => !without.includes(name)) };
  },
  'headers of another name': (source) => {
    const { headers, ...rest } = zendesk(zendeskParts(source));
    const name = pick(source.random, ['X-Signature', 'X-Hub-Signature-256', `${SIGNATURE}2`, `X-${SIGNATURE}`]);
    return { ...rest, headers: headers.map(([key, value]) => [key === SIGNATURE ? name : key, value] as const) };
  },
  'sent to the other helpdesk': (source) => ({ ...zendesk(zendeskParts(source)), helpdesk: 'freshdesk' }),
  ...ofEach(
    (change) => zendeskChange(({ signature }, { random }) => ({ signature: change(signature, random) })),
    'signature',
  ),
  ...ofEach(
    (change) => zendeskChange(({ stamp }, { random }) => ({ stamp: change(stamp, random) })),
    'stamp',
    // a stamp in capitals is what it was
    ['upper case'],
  ),
};

const [FRESHDESK_TOKEN] = FRESHDESK_TOKENS;

const freshdeskWith =
  (headers: (source: WebhookSource) => SentWebhook['headers']): Change =>
  (source) => ({ helpdesk: 'freshdesk', headers: [JSON_TYPE, ...headers(source)], body: freshdeskBody(source) });

const FRESHDESK_CHANGES: Readonly<Record<string, Change>> = {
  'no token': freshdeskWith(() => []),
  'the token twice': freshdeskWith(() => [
    [TOKEN, FRESHDESK_TOKEN],
    [TOKEN, FRESHDESK_TOKEN],
  ]),
  'the password twice': freshdeskWith(() => [basic(`x:${FRESHDESK_TOKEN}`), basic(`x:${FRESHDESK_TOKEN}`)]),
  'a wrong token beside the right password': freshdeskWith(({ random }) => [
    [TOKEN, flipText(random, FRESHDESK_TOKEN)],
    basic(`x:${FRESHDESK_TOKEN}`),
  ]),
  'the token as a bearer': freshdeskWith(() => [['Authorization', `Bearer ${FRESHDESK_TOKEN}`]]),
  'the token as the user': freshdeskWith(() => [basic(`${FRESHDESK_TOKEN}:`)]),
  'no colon': freshdeskWith(() => [basic(FRESHDESK_TOKEN)]),
  'a colon too many': freshdeskWith(() => [basic(`x::${FRESHDESK_TOKEN}`)]),
  'a list of passwords': freshdeskWith(() => {
    const [name, value] = basic(`x:${FRESHDESK_TOKEN}`);
    return [[name, `${value}, ${value}`]];
  }),
  'both secrets': freshdeskWith(() => [[TOKEN, FRESHDESK_TOKENS.join(',')]]),
  'another header': freshdeskWith(({ random }) => [
    [pick(random, ['X-Token', 'X-Api-Key', 'Cookie', 'X-Draftdesk-Tokens']), FRESHDESK_TOKEN],
  ]),
  'the secret of the other helpdesk': freshdeskWith(() => [[TOKEN, SECRET]]),
  'sent to the other helpdesk': (source) => ({
    helpdesk: 'zendesk',
    headers: [JSON_TYPE, [TOKEN, FRESHDESK_TOKEN]],
    body: freshdeskBody(source),
  }),
  ...ofEach((change) => freshdeskWith(({ random }) => [[TOKEN, change(FRESHDESK_TOKEN, random)]]), 'token'),
  ...ofEach((change) => freshdeskWith(({ random }) => [basic(`x:${change(FRESHDESK_TOKEN, random)}`)]), 'password'),
};

const CHANGES: readonly (readonly [string, Change])[] = [
  ...Object.entries(ZENDESK_CHANGES).map(([what, change]) => [`zendesk: ${what}`, change] as const),
  ...Object.entries(FRESHDESK_CHANGES).map(([what, change]) => [`freshdesk: ${what}`, change] as const),
];

/** So many forgeries, every kind in turn. */
export function* mutations(source: WebhookSource, count: number): Generator<Mutation> {
  for (let i = 0; i < count; i++) {
    const [what, change] = CHANGES[i % CHANGES.length] ?? CHANGES[0] ?? [];
    if (what === undefined || change === undefined) return;
    yield { what, ...change(source) };
  }
}
