/** What must be there in the helpdesk's account for its webhooks to reach us: a webhook, a trigger, a rule. */
export interface SetupPart {
  /** A snake_case word, the same at every look. */
  readonly key: string;
  /** As the vendor's own screen shows it, e.g. `trigger “Draftdesk: new ticket”`. */
  readonly title: string;
  readonly state: 'missing' | 'differs' | 'good';
  /** With `differs`: sentences without a subject, e.g. `is switched off`. They hold no secret. */
  readonly problems: readonly string[];
}

/** Who the credentials are at the helpdesk. */
export interface SetupAccount {
  readonly name: string;
  /** Null where the vendor does not tell. */
  readonly admin: boolean | null;
}

/** What a genuine webhook looks like on the wire. */
export interface SampleWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Connects one helpdesk's account with a running service. Every method that calls the vendor throws `UpstreamError`:
 * `auth` for wrong credentials, `forbidden` where they may not see or change the set-up (an admin's may).
 */
export interface HelpdeskSetup {
  account(signal: AbortSignal): Promise<SetupAccount>;
  /** How the account is now, against what webhooks to this address need. Changes nothing. */
  inspect(webhookUrl: string, signal: AbortSignal): Promise<readonly SetupPart[]>;
  /** Makes what is missing and mends what differs; `onDone` hears the key of each part that was changed. Safe to repeat. */
  apply(webhookUrl: string, onDone: (key: string) => void, signal: AbortSignal): Promise<void>;
  /** The secret that the vendor itself has made for that webhook; null where we choose it, or there is no webhook yet. */
  webhookSecret(webhookUrl: string, signal: AbortSignal): Promise<string | null>;
  /** A genuine webhook that asks for nothing, to see whether a receiver takes this secret. `now` is epoch ms. */
  sampleWebhook(secret: string, now: number): SampleWebhook;
  /** A ticket of a made-up customer, marked as a test. Answers its id. */
  createTestTicket(signal: AbortSignal): Promise<string>;
  /** Deletes it, or closes it where deleting is not allowed. */
  removeTestTicket(ticketId: string, signal: AbortSignal): Promise<'deleted' | 'solved'>;
  /** How to do by hand what `apply` does, with the names on the vendor's screens. Lines for a terminal, without the secret. */
  manual(webhookUrl: string): readonly string[];
}

/** The ticket with which a connection is tried. */
export const TEST_TICKET = {
  subject: '[Draftdesk test] Can I change the delivery address?',
  text: 'Hello, I ordered yesterday and gave the wrong address. Can I still change it? (A test ticket of draftdesk connect.)',
  name: 'Draftdesk Test',
  // reserved for examples (RFC 2606): mail to it reaches nobody
  email: 'draftdesk-test@example.com',
  tag: 'draftdesk_test',
} as const;

/** Something a person must tell before a helpdesk can be connected. */
export interface SetupQuestion {
  readonly variable: string;
  /** What it is and where the vendor's screens show it. */
  readonly question: string;
  /** Not shown while it is typed. */
  readonly secret: boolean;
  /** Not asked when one of these is set instead. */
  readonly unless?: readonly string[];
}
