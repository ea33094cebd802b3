import { describe, expect, it } from 'vitest';
import { buildNote } from '../../src/core/note.ts';
import { renderNote } from '../../src/helpdesks/note-html.ts';
import { makeDraft } from '../support/factories.ts';

const request = { marker: 'dd-new', replaces: null, traceUrl: null };

describe('buildNote', () => {
  it('says what it is, then the reply, then the questions', () => {
    const draft = makeDraft({ body: 'Dear Ada,\n\nplease restart.\nBye', language: 'de', confidence: 0.834 });
    expect(buildNote({ ...request, draft })).toEqual({
      marker: 'dd-new',
      blocks: [
        { kind: 'heading', text: 'AI draft: please check it before sending (language de, confidence 83 %)' },
        { kind: 'paragraph', text: 'Dear Ada,' },
        { kind: 'paragraph', text: 'please restart.\nBye' },
        { kind: 'heading', text: 'Open questions' },
        { kind: 'list', items: ['Which version is it?'] },
      ],
    });
  });

  it('gives a finding where there is no reply', () => {
    const draft = makeDraft({ body: null, finding: 'The message is empty.', questions: [] });
    const { blocks } = buildNote({ ...request, draft });
    expect(blocks.map((block) => ('text' in block ? block.text : ''))).toEqual([
      expect.stringMatching(/^AI draft: no reply/) as string,
      'The message is empty.',
    ]);
  });

  it('says what was not read and which note it replaces', () => {
    const draft = makeDraft({ body: 'Hi', questions: [], cut: 'Two messages were left out.' });
    const { blocks } = buildNote({ draft, marker: 'dd-new', replaces: 'dd-old', traceUrl: null });
    expect(blocks.slice(2)).toEqual([
      { kind: 'paragraph', text: 'Two messages were left out.' },
      { kind: 'paragraph', text: 'This draft replaces the earlier one (dd-old).' },
    ]);
  });

  it('ends with the link to its trace, where there is one: before the reference line, which stays the last', () => {
    const traceUrl = 'https://grafana.acme.com/trace/0123456789abcdef0123456789abcdef';
    const note = buildNote({ ...request, draft: makeDraft(), replaces: 'dd-old', traceUrl });
    expect(note.blocks.at(-1)).toEqual({ kind: 'paragraph', text: `Trace: ${traceUrl}` });
    expect(renderNote(note)).toMatch(new RegExp(`<p>Trace: ${traceUrl}</p><p>Draftdesk ref dd-new</p>$`));
  });

  it('leaves the reference line to the adapter', () => {
    expect(JSON.stringify(buildNote({ ...request, draft: makeDraft() }).blocks)).not.toContain('dd-new');
  });
});
