import type { Clock, Random } from '../core/clock.ts';
import type { HelpCentre } from './help-centre.ts';
import type { FaultPlan, FaultProfile, FaultRates, HelpdeskFault, ServerFetch } from './faults.ts';
import type { WebhookCall, WebhookDelivery, WebhookTarget } from './webhook-sender.ts';

export interface Requester {
  readonly name: string;
  readonly email: string;
  /** BCP 47. */
  readonly locale?: string;
}

export interface NewTicket {
  readonly subject: string;
  /** The description. */
  readonly html: string;
  readonly requester?: Requester;
  readonly tags?: readonly string[];
  /** Id of the group of agents it is assigned to. */
  readonly group?: string;
  readonly priority?: 'urgent' | 'high' | 'normal' | 'low';
  /** False: a ticket whose first comment the requester cannot see. */
  readonly public?: boolean;
}

/** A comment as stored, after the vendor's rewriting. */
export interface StoredComment {
  readonly id: string;
  readonly html: string;
  readonly text: string;
  readonly public: boolean;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Written by a proxy that sent our request again: nothing that a client could prevent. */
  readonly resent: boolean;
}

export interface HelpdeskStats {
  /** Requests by route, e.g. `PUT /api/v2/tickets/:id`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly total: number;
  /** Answers 429, from limits and from faults. */
  readonly rateLimited: number;
  /** Private comments written through the API. */
  readonly notes: number;
  /** Public comments written through the API: must stay 0. */
  readonly publicComments: number;
}

export interface HelpdeskSimulatorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: FaultProfile | FaultRates<HelpdeskFault>;
  /** When a late commit lands; the client's timeout plus one second. Default 16,000. */
  readonly lateCommitMs?: number;
  /** `Retry-After` of a 429 that is a fault, seconds. Default 1. */
  readonly faultRetryAfterSeconds?: number;
}

/** The requester of a ticket that names none. */
export const SOMEBODY: Requester = { name: 'Kim Doe', email: 'kim.doe@customer.example' };

/** What the people around a helpdesk do, and what a test looks up. Throws for an unknown ticket. */
export interface HelpdeskPeople {
  addTicket(ticket: NewTicket): string;
  /** The requester writes again; answers the comment's id. */
  customerReply(ticketId: string, html: string): string;
  /** An agent (not our user) writes. */
  agentReply(ticketId: string, html: string, options: { readonly public: boolean }): string;
  solve(ticketId: string): void;
  close(ticketId: string): void;
  merge(sourceId: string, targetId: string): void;
  delete(ticketId: string): void;
  markSpam(ticketId: string): void;
  ticketIds(): string[];
  /** Private comments written through the API, oldest first; also of tickets that are gone by now. */
  notes(ticketId: string): StoredComment[];
  /** Public comments written through the API. */
  publicCommentsByBot(ticketId: string): StoredComment[];
}

/** A simulated ticketing system: `fetch` is its API, the rest stands for its users and for a test that counts. */
export interface HelpdeskSimulator extends HelpdeskPeople {
  readonly name: 'zendesk' | 'freshdesk';
  readonly fetch: ServerFetch;
  readonly faults: FaultPlan<HelpdeskFault>;
  /** Empty until somebody writes. */
  readonly helpCentre: HelpCentre;
  /** What a new ticket makes the account send: two events (Zendesk) or one. They tell the ticket as it is at this call. */
  creationWebhooks(ticketId: string): WebhookCall[];
  /** From now on each event goes to the target as a webhook, retried as the vendor does. */
  connect(target: WebhookTarget): void;
  /** Ends what `connect` began, for good; waiting retries are given up. */
  disconnect(): void;
  /** Every webhook sent, with its attempts. */
  readonly deliveries: readonly WebhookDelivery[];
  /** Resolves when no webhook is under way or waiting for a retry. */
  idle(): Promise<void>;
  stats(): HelpdeskStats;
  /** From now on other users of the account take so many updates a minute, from the same limits as we; 0 ends that. */
  rival(perMinute: number): void;
  /** How many of their calls the account had no room for. */
  rivalsRefused(): number;
}

/** Counts for `HelpdeskSimulator.stats`. */
export interface StatsCounter {
  request(route: string): void;
  rateLimited(): void;
  comment(isPublic: boolean): void;
  read(): HelpdeskStats;
}

export function createStats(): StatsCounter {
  const requests: Record<string, number> = {};
  let total = 0;
  let rateLimited = 0;
  let notes = 0;
  let publicComments = 0;
  return {
    request(route) {
      requests[route] = (requests[route] ?? 0) + 1;
      total += 1;
    },
    rateLimited() {
      rateLimited += 1;
    },
    comment(isPublic) {
      if (isPublic) publicComments += 1;
      else notes += 1;
    },
    read: () => ({ requests: { ...requests }, total, rateLimited, notes, publicComments }),
  };
}

/** The address a request was sent to, for links in its answer. */
export function originOf(c: { readonly req: { readonly url: string } }): string {
  return new URL(c.req.url).origin;
}
