import type { FC } from 'hono/jsx';
import type { Note, NoteBlock, NoteLink } from '../../core/helpdesk.ts';
import { Lines, OutsideLink, Shown } from './shown.tsx';

/** A private note as the agent has it before them: the blocks that adapters render for their vendor. */
export const NoteView: FC<{ note: Note }> = ({ note }) => (
  <div class="note" dir="auto">
    {note.blocks.map((block) => (
      <Block block={block} />
    ))}
    <p class="muted">Draftdesk ref {note.marker}</p>
  </div>
);

const Block: FC<{ block: NoteBlock }> = ({ block }) => {
  switch (block.kind) {
    case 'heading':
      return (
        <p>
          <strong>
            <Shown text={block.text} />
          </strong>
        </p>
      );
    case 'paragraph':
      return (
        <p>
          <Lines text={block.text} />
        </p>
      );
    case 'list':
      return (
        <ul>
          {block.items.map((item) => (
            <li>
              <Item item={item} />
            </li>
          ))}
        </ul>
      );
  }
};

const Item: FC<{ item: string | NoteLink }> = ({ item }) => {
  if (typeof item === 'string') return <Shown text={item} />;
  const { text, url, below } = item;
  return (
    <>
      <Shown text={text} />
      {url !== null && (
        <>
          : <OutsideLink url={url} text={url} />
        </>
      )}
      {below !== '' && (
        <>
          <br />
          <Lines text={below} />
        </>
      )}
    </>
  );
};
