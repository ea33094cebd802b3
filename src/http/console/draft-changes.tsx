import { diffWordsWithSpace } from 'diff';
import type { FC } from 'hono/jsx';
import { visibleText } from '../../core/visible-text.ts';
import type { DraftVersion } from '../../core/ticket-story.ts';
import { Card, Moment } from './components.tsx';

/** Texts further apart than this share nothing worth showing, and comparing them takes long. */
const EDITS_MAX = 300;
/** More are not compared: each costs time whoever reads it. */
const PAIRS_MAX = 5;

type Change = { readonly kind: 'same' | 'added' | 'removed'; readonly text: string };

/** Word by word. Texts that have next to nothing in common are one removed and one added. */
export function changesOf(before: string, after: string): readonly Change[] {
  const [from, to] = [visibleText(before), visibleText(after)];
  const parts = diffWordsWithSpace(from, to, { maxEditLength: EDITS_MAX });
  if (parts === undefined) {
    return [
      { kind: 'removed', text: from },
      { kind: 'added', text: to },
    ];
  }
  return parts.map(({ added, removed, value }) => ({
    kind: added ? 'added' : removed ? 'removed' : 'same',
    text: value,
  }));
}

/** What each version of a draft has changed in the one before it, newest first; nothing where there is one only. */
export const DraftChanges: FC<{ drafts: readonly DraftVersion[] }> = ({ drafts }) => {
  const pairs = drafts.flatMap((after, index) => {
    const before = drafts[index - 1];
    return before === undefined ? [] : [{ before, after }];
  });
  if (pairs.length === 0) return null;
  return (
    <Card title="Earlier versions">
      {pairs
        .toReversed()
        .slice(0, PAIRS_MAX)
        .map(({ before, after }) => (
          <details id={`version-${after.version}`}>
            <summary>
              Version {before.version} to {after.version}, <Moment at={after.createdAt} />
            </summary>
            <p class="diff" dir="auto">
              {changesOf(textOf(before), textOf(after)).map(({ kind, text }) => {
                if (kind === 'same') return text;
                return kind === 'added' ? <ins>{text}</ins> : <del>{text}</del>;
              })}
            </p>
          </details>
        ))}
    </Card>
  );
};

function textOf({ body, finding }: DraftVersion): string {
  return body ?? finding ?? '';
}
