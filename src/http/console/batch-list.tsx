import type { FC } from 'hono/jsx';
import type { BatchProgress } from '../../core/service-control.ts';
import { BatchBar, progressWords } from './batch-bar.tsx';
import { batchName, etaWords, STATE_TONE } from './batch-words.ts';
import { Ago, Chip, Empty, Live, Pager, Table } from './components.tsx';
import type { Visit } from './page.tsx';
import { dollars } from './words.ts';

interface BatchListProps {
  readonly batches: readonly BatchProgress[];
  readonly cursor: string | undefined;
  readonly next: string | null;
  readonly visit: Visit;
}

/** Newest first. */
export const BatchList: FC<BatchListProps> = ({ batches, cursor, next, visit }) => (
  <>
    {visit.canChange && batches.length > 0 && (
      <p>
        <a class="button" href="/batches/new">
          Start a batch
        </a>
      </p>
    )}
    <Live id="batches">
      {batches.length === 0 ? (
        <NoBatches visit={visit} />
      ) : (
        <div class="card">
          <Table
            caption="Batches"
            columns={['Batch', 'State', 'Progress', 'Failed', 'Spent', 'Time left', 'Started']}
            rows={batches.map((batch) => [
              <a href={`/batches/${batch.id}`}>
                <bdi>{batchName(batch)}</bdi>
              </a>,
              <Chip tone={STATE_TONE[batch.state]}>{batch.state}</Chip>,
              <div class="progress">
                <BatchBar counts={batch.counts} total={batch.total} />
                <span>{progressWords(batch)}</span>
              </div>,
              batch.failed.toLocaleString('en'),
              dollars(batch.spent.costUsd),
              etaWords(batch),
              <Ago at={batch.createdAt} now={visit.now} />,
            ])}
          />
        </div>
      )}
      <Pager here="/batches" cursor={cursor} next={next} />
    </Live>
  </>
);

const NoBatches: FC<{ visit: Visit }> = ({ visit }) => (
  <Empty title="No batch has been started yet.">
    <p>A batch drafts many tickets under one name: a back-log, or all tickets with a tag.</p>
    {visit.canChange && (
      <p>
        <a class="button" href="/batches/new">
          Start a batch
        </a>
      </p>
    )}
  </Empty>
);
