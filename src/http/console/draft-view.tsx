import type { FC } from 'hono/jsx';
import { buildNote } from '../../core/note.ts';
import type { DraftReview, TicketDetail } from '../../core/ticket.ts';
import type { DraftVersion, TicketRound, TicketStory } from '../../core/ticket-story.ts';
import { Card, Empty, Facts, Moment } from './components.tsx';
import { NoteView } from './note-view.tsx';
import { OutsideLink, Shown } from './shown.tsx';
import { count, dollars } from './words.ts';

interface NewestDraftProps {
  readonly ticket: TicketDetail;
  readonly story: TicketStory;
  readonly traceUrl: (traceId: string) => string | null;
}

/** The newest draft of a ticket, as its agent sees it, and what it rests on. */
export const NewestDraft: FC<NewestDraftProps> = ({ ticket, story, traceUrl }) => {
  const draft = story.drafts.at(-1);
  if (draft === undefined) {
    return (
      <Card title="Draft">
        <Empty title={ticket.textRemovedAt === null ? 'There is no draft.' : 'Its text has been removed.'}>
          {ticket.textRemovedAt !== null && (
            <p>
              On <Moment at={ticket.textRemovedAt} />: RETENTION_DAYS were over, or the requester was erased.
            </p>
          )}
        </Empty>
      </Card>
    );
  }
  const { roundId, body, model, promptTokens, completionTokens, costUsd, version, sources, versions, review } = draft;
  const marker = story.rounds.find(({ id }) => id === roundId)?.marker ?? '';
  const note = buildNote({
    draft,
    marker,
    replaces: replacedBy(draft, story.rounds),
    traceUrl: traceUrl(ticket.traceId),
  });
  return (
    <Card title={body === null ? 'Finding, as the agent sees it' : 'Draft, as the agent sees it'}>
      <NoteView note={note} />
      <Facts
        of={[
          ['Version', version],
          ['Model', model],
          ['Tokens', `${count(promptTokens, 'in', 'in')}, ${count(completionTokens, 'out', 'out')}`],
          ['Cost', costUsd === null ? 'price not known' : dollars(costUsd)],
          ...stamps(versions),
          ...(review === null ? [] : [['Review', reviewFact(review)] as const]),
        ]}
      />
      <Sources sources={sources} />
    </Card>
  );
};

/** What was found stands in the note. */
function reviewFact({ verdict, model, problems }: DraftReview): string {
  const by = model === '' ? '' : `, ${model}`;
  return `${verdict}${by}${problems.length === 0 ? '' : `, ${count(problems.length, 'remark', 'remarks')}`}`;
}

/** The marker of the note that stood there when this draft was made. */
function replacedBy({ roundId }: DraftVersion, rounds: readonly TicketRound[]): string | null {
  const at = rounds.findIndex(({ id }) => id === roundId);
  return rounds.slice(0, Math.max(0, at)).findLast(({ noteId }) => noteId !== null)?.marker ?? null;
}

const Sources: FC<{ sources: DraftVersion['sources'] }> = ({ sources }) =>
  sources.length === 0 ? null : (
    <>
      <h3>Sources</h3>
      <ul>
        {sources.map(({ kind, title, url, quote }) => (
          <li>
            {kind}: <OutsideLink url={url} text={title} />
            {quote !== '' && (
              <blockquote>
                <Shown text={quote} />
              </blockquote>
            )}
          </li>
        ))}
      </ul>
    </>
  );

/** What made it, for whoever compares drafts: short hashes. */
function stamps(versions: DraftVersion['versions']): [string, string][] {
  if (versions === null) return [];
  const { prompt, guidelines, rules, knowledge, rule = null, category = null } = versions;
  const told = Object.entries({ prompt, guidelines, rules, knowledge }).filter(([, hash]) => hash !== null);
  const ruled: [string, string | null][] = [
    ['Rule', rule],
    ['Category', category],
  ];
  const given = ruled.flatMap(([label, text]): [string, string][] => (text === null ? [] : [[label, text]]));
  return [...given, ['Made with', told.map(([name, hash]) => `${name} ${hash}`).join(', ')]];
}
