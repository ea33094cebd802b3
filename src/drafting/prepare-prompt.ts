import type { Conversation } from '../core/helpdesk.ts';
import { type Asked, type RulePlan, UNRULED } from '../core/rules.ts';
import { hostsIn } from './links.ts';
import { textOfMessage } from './message-text.ts';
import type { DraftVersions } from '../core/ticket.ts';
import { buildPrompt, type PromptOptions, type TicketPrompt } from './prompt.ts';
import { versionsOf } from './versions.ts';
import { guidelinesIn } from './wish-text.ts';

/** What goes to the model, and what is needed to read its answer: plain data, so that it can be kept until then. */
export interface PreparedPrompt extends TicketPrompt {
  /** Hosts that the team itself links to, one per line: only these may be linked in the draft. */
  readonly knownText: string;
  readonly versions: Omit<DraftVersions, 'model'>;
  /** What becomes of the draft, by the category that the answer names. */
  readonly plan: RulePlan;
}

/** What the team has set once for all tickets. */
export interface TeamSettings {
  /** The team's own guidelines, Markdown; empty when there are none. */
  readonly guidelines: string;
  /** Hosts that drafts may link to besides those that the team names in guidelines and answers. */
  readonly linkHosts: readonly string[];
  /** Personal data does not reach the model. */
  readonly maskPersonalData: boolean;
}

export interface PrepareOptions extends Omit<PromptOptions, 'wish'> {
  /** What rules want of it; default: they say nothing. */
  readonly asked?: Asked | undefined;
}

/** The first half of a draft: everything before the call. */
export function preparePrompt(
  conversation: Conversation,
  team: TeamSettings,
  { evidence = null, asking, asked: { plan, wish } = UNRULED }: PrepareOptions = {},
): PreparedPrompt {
  const prompt = buildPrompt(conversation, team.guidelines, team.maskPersonalData, { evidence, asking, wish });
  const guidelines = guidelinesIn(team.guidelines, wish);
  const versions = versionsOf(guidelines, { rules: plan.version, knowledge: evidence?.found.version ?? null });
  return { ...prompt, knownText: teamHosts(conversation, { ...team, guidelines }), versions, plan };
}

/** From what the team wrote itself, without what it quoted. */
function teamHosts({ messages }: Conversation, { guidelines, linkHosts }: TeamSettings): string {
  const answers = messages.filter(({ author }) => author === 'agent').map((message) => textOfMessage(message).text);
  return [...new Set([...linkHosts, guidelines, ...answers].flatMap(hostsIn))].join('\n');
}
