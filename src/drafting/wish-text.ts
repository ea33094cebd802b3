import { type DraftWish, NO_CATEGORY } from '../core/rules.ts';

const FINDING_ONLY =
  'No reply is wanted: "reply" is null, "claims" is empty, and "no_draft_reason" says in one to three sentences what the customer wants and what the agent should know.';

/** What rules add to the fixed part of a prompt, besides guidelines that hold for all; empty where they add nothing. */
export function wishText({ guidelines, findingOnly, categories }: DraftWish): string {
  if (categories.length === 0) return findingOnly ? FINDING_ONLY : '';
  const differs = categories.filter((one) => one.guidelines !== guidelines || one.findingOnly !== findingOnly);
  const listed = categories.map(({ name, description }) => `- "${name}": ${description}`);
  const parts = [
    `Decide first what the ticket is about, and answer it in the field "category", one of:\n${listed.join('\n')}\n- "${NO_CATEGORY}": none of these, or you cannot tell.`,
    ...differs.map((one) => `Where the category is "${one.name}":\n${wanted(one)}`),
  ];
  if (guidelines.trim() !== '' || findingOnly) {
    parts.push(
      `${differs.length === 0 ? 'Whatever the category is' : 'In all other cases'}:\n${wanted({ guidelines, findingOnly })}`,
    );
  }
  return parts.join('\n\n');
}

function wanted({ guidelines, findingOnly }: Pick<DraftWish, 'guidelines' | 'findingOnly'>): string {
  const lines = [findingOnly ? FINDING_ONLY : '', guidelines.trim()].filter((line) => line !== '');
  return lines.length === 0 ? 'Nothing besides the guidelines above.' : lines.join('\n');
}

/** Guidelines of the team and of rules, as far as they stand in a prompt: for its stamp. */
export function guidelinesIn(team: string, { guidelines, categories }: DraftWish): string {
  const all = [team, guidelines, ...categories.map((one) => one.guidelines)].map((text) => text.trim());
  return [...new Set(all)].filter((text) => text !== '').join('\n\n');
}
