import { describe, expect, it } from 'vitest';
import { buildNote } from '../../src/core/note.ts';
import type { DraftSource } from '../../src/core/ticket.ts';
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

  const article: DraftSource = {
    kind: 'article',
    id: 'zendesk/1',
    title: 'Start',
    url: 'https://help.acme.example/1',
    restricted: false,
    share: 0.42,
    votes: 7,
    quote: 'Hold it for five seconds',
  };

  it('names sources after the reply, why they are there, then what is not proven and not known', () => {
    const sources: DraftSource[] = [
      article,
      { ...article, quote: 'Then wait' },
      { ...article, id: 'zendesk/2', title: 'Internal', share: 0.2, votes: 1, restricted: true },
      { ...article, kind: 'ticket', id: 'zendesk/5158', title: 'Ticket zendesk/5158', share: null, votes: null },
      { ...article, kind: 'macro', id: 'm', title: 'Serial', url: null, share: null, votes: null, quote: 'Send it' },
    ];
    const draft = makeDraft({ sources, unproven: ['It takes a week (no source)'], missing: ['The model'] });
    const { blocks } = buildNote({ ...request, draft });
    expect(blocks.slice(2)).toEqual([
      { kind: 'heading', text: 'Sources' },
      {
        kind: 'list',
        items: [
          {
            text: 'Start (match 42 %, used in 7 similar tickets)',
            url: 'https://help.acme.example/1',
            below: '“Hold it for five seconds”\n“Then wait”',
          },
          {
            text: 'Internal (perhaps 20 %, used in 1 similar ticket, internal: not for the customer)',
            url: 'https://help.acme.example/1',
            below: '“Hold it for five seconds”',
          },
          {
            text: 'Ticket zendesk/5158, solved, similar',
            url: 'https://help.acme.example/1',
            below: '“Hold it for five seconds”',
          },
          { text: 'Macro “Serial”', url: null, below: '“Send it”' },
        ],
      },
      { kind: 'heading', text: 'Not proven' },
      { kind: 'list', items: ['It takes a week (no source)'] },
      { kind: 'heading', text: 'Not known' },
      { kind: 'list', items: ['The model'] },
      { kind: 'heading', text: 'Open questions' },
      { kind: 'list', items: ['Which version is it?'] },
    ]);
  });

  it('stays short, however much there is', () => {
    const sources = Array.from({ length: 8 }, (_, index) => ({
      ...article,
      id: String(index),
      title: 'T'.repeat(500),
      quote: 'q\n'.repeat(1000),
    }));
    const { blocks } = buildNote({ ...request, draft: makeDraft({ sources }) });
    const list = blocks.find((block) => block.kind === 'list');
    expect(list?.items).toHaveLength(5);
    expect(JSON.stringify(list).length).toBeLessThan(5 * 500);
  });

  it('says in a finding which articles come nearest, what is not known, and what to ask', () => {
    const { quote: _, ...closest } = article;
    const draft = makeDraft({ body: null, finding: 'Nothing answers.', closest: [closest], missing: ['The model'] });
    const note = buildNote({ ...request, draft });
    expect(renderNote(note)).toBe(
      '<p><strong>AI draft: no reply to suggest for this ticket. What was found, please check:</strong></p>' +
        '<p>Nothing answers.</p><p><strong>Closest articles</strong></p><ul><li>Start (match 42 %, used in 7 similar tickets): ' +
        '<a href="https://help.acme.example/1">https://help.acme.example/1</a></li></ul>' +
        '<p><strong>Not known</strong></p><ul><li>The model</li></ul>' +
        '<p><strong>To ask the customer, or to check</strong></p><ul><li>Which version is it?</li></ul>' +
        '<p>Draftdesk ref dd-new</p>',
    );
  });

  it.each([
    'javascript:alert(1)',
    'https://u:p@a.example/',
    'https://a.example/"><b>',
    'https://a.example/{{x}}',
    '//a.example',
  ])('makes no link of %s', (url) => {
    const { blocks } = buildNote({ ...request, draft: makeDraft({ sources: [{ ...article, url }] }) });
    expect(blocks.find((block) => block.kind === 'list')?.items[0]).toMatchObject({ url: null });
  });
});
