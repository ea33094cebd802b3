import type { FC } from 'hono/jsx';
import * as z from 'zod';
import type { Found, KnowledgeBase, KnowledgeSummary } from '../../core/knowledge-base.ts';
import type { KnowledgeSyncer, SourceProgress } from '../../core/knowledge-sync.ts';
import { readQuery } from '../input.ts';
import { searchQuery } from '../knowledge-api.ts';
import { startSync } from '../knowledge-sync.ts';
import { Action, Ago, Card, Chip, Empty, Facts, Live, Table, type Tone } from './components.tsx';
import { KnowledgeFound } from './knowledge-found.tsx';
import type { Pages, Visit } from './page.tsx';
import { Shown } from './shown.tsx';

export interface KnowledgePageDeps {
  readonly knowledge: KnowledgeBase;
  /** Without it no helpdesk is read. */
  readonly knowledgeSync?: KnowledgeSyncer | undefined;
}

const PATH = '/knowledge';
const formSchema = z.strictObject({ q: searchQuery.shape.q, subject: searchQuery.shape.subject });

/** What drafts are grounded in, and a place to try what would be found for a question. */
export function addKnowledgePage(pages: Pages, { knowledge, knowledgeSync }: KnowledgePageDeps): void {
  pages.page(PATH, async (c, visit) => {
    const { q, subject } = readQuery(c.req, formSchema);
    // the script's own look at the page is for what moves there, and the answer does not
    const asked = q.trim() + subject.trim() !== '' && c.req.header('draftdesk-live') === undefined;
    const found = asked ? await knowledge.search({ subject, text: q, customer: null }) : null;
    const passes = knowledgeSync?.progress() ?? [];
    return {
      title: 'Knowledge',
      section: 'Knowledge',
      body: (
        <>
          <Search q={q} subject={subject} found={found} />
          <Live id="knowledge">
            <WhatIsThere summary={knowledge.summary()} passes={passes} visit={visit} />
          </Live>
        </>
      ),
    };
  });
  pages.action(`${PATH}/sync`, async () => {
    startSync(knowledgeSync);
    return { to: PATH, say: 'Reading the helpdesks. It goes on by itself.' };
  });
}

const Search: FC<{ q: string; subject: string; found: Found | null }> = ({ q, subject, found }) => (
  <>
    <form class="filters" method="get" action={PATH} role="search">
      <div>
        <label for="subject">Subject</label>
        <input id="subject" name="subject" type="search" maxlength={1000} value={subject} />
      </div>
      <div class="wide">
        <label for="q">What a customer writes</label>
        <input id="q" name="q" type="search" maxlength={10_000} value={q} />
      </div>
      <button type="submit">What would be found?</button>
    </form>
    {found !== null && <KnowledgeFound found={found} />}
  </>
);

interface WhatIsThereProps {
  readonly summary: KnowledgeSummary;
  readonly passes: readonly SourceProgress[];
  readonly visit: Visit;
}

const WhatIsThere: FC<WhatIsThereProps> = ({ summary, passes, visit }) => {
  const { counts, linked, sources, version } = summary;
  const isEmpty = counts.articles + counts.solved + counts.canned === 0;
  return (
    <>
      {isEmpty && <Nothing canSync={passes.length > 0} />}
      <Card title="What is known">
        <Facts
          of={[
            ['Articles', counts.articles.toLocaleString('en')],
            ['Solved tickets', counts.solved.toLocaleString('en')],
            ['of them with a link', linked.toLocaleString('en')],
            ['Canned replies', counts.canned.toLocaleString('en')],
            ['Version', version === '' ? '–' : version],
          ]}
        />
      </Card>
      {(sources.length > 0 || passes.length > 0) && <Sources sources={sources} passes={passes} visit={visit} />}
    </>
  );
};

const Nothing: FC<{ canSync: boolean }> = ({ canSync }) => (
  <Card title="Nothing is known yet">
    <Empty title="Drafts are better when they can lean on what your team has written.">
      <p>
        Bring help articles and answered tickets with{' '}
        <code>npx draftdesk knowledge import --articles ./help --solved solved.jsonl</code>
        {canSync ? ', or press Sync now to read your helpdesk.' : '.'}
      </p>
    </Empty>
  </Card>
);

const STATE_TONE: Readonly<Record<SourceProgress['state'], Tone>> = {
  reading: 'busy',
  synced: 'good',
  paused: 'wait',
  failed: 'bad',
  stopped: 'still',
};

const Sources: FC<Omit<WhatIsThereProps, 'summary'> & Pick<KnowledgeSummary, 'sources'>> = (props) => {
  const { passes, visit } = props;
  const names = new Map(
    [...props.sources, ...passes].map(({ source, kind }) => [`${source} ${kind}`, { source, kind }]),
  );
  const rows = [...names.values()].map(({ source, kind }) => {
    const stored = props.sources.find((each) => each.source === source && each.kind === kind);
    const pass = passes.find((each) => each.source === source && each.kind === kind);
    const syncedAt = stored?.syncedAt ?? null;
    return [
      source,
      kind,
      (stored?.count ?? 0).toLocaleString('en'),
      syncedAt === null ? <span class="muted">–</span> : <Ago at={syncedAt} now={visit.now} />,
      pass === undefined ? <span class="muted">–</span> : <Chip tone={STATE_TONE[pass.state]}>{pass.state}</Chip>,
      <Shown text={stored?.error ?? pass?.error ?? ''} />,
    ];
  });
  return (
    <Card title="Where it comes from">
      <Table
        caption="Sources"
        columns={['Source', 'What', 'Items', 'Read to its end', 'Last pass', 'What is wrong']}
        rows={rows}
      />
      {passes.length > 0 && visit.canChange && <Action to={`${PATH}/sync`} label="Sync now" />}
    </Card>
  );
};
