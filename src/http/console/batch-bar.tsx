import type { FC } from 'hono/jsx';
import type { TicketStatus } from '../../core/ticket.ts';
import type { StatusCounts } from '../../core/ticket-reader.ts';
import { count } from './words.ts';

/** What a bar is made of, from the left: what is over first. */
const PARTS: readonly { readonly name: string; readonly tone: string; readonly of: readonly TicketStatus[] }[] = [
  { name: 'posted', tone: 'good', of: ['posted', 'accepted', 'edited', 'discarded'] },
  { name: 'held', tone: 'held', of: ['drafted'] },
  { name: 'skipped', tone: 'still', of: ['skipped'] },
  { name: 'dead', tone: 'bad', of: ['dead'] },
  { name: 'cancelled', tone: 'off', of: ['cancelled'] },
  { name: 'in work', tone: 'busy', of: ['drafting', 'posting'] },
  { name: 'to be retried', tone: 'wait', of: ['retrying'] },
];

/** How far a batch is, as a bar by status; the words beside it say the same. */
export const BatchBar: FC<{ counts: StatusCounts; total: number }> = ({ counts, total }) => {
  const sizes = PARTS.map(({ of }) => of.reduce((sum, status) => sum + counts[status], 0));
  const shareOf = (n: number): number => (total === 0 ? 0 : (n / total) * 100);
  return (
    <svg class="batch-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="rail" width="100" height="6" />
      {PARTS.map(({ tone }, index) => {
        const before = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
        const size = sizes[index] ?? 0;
        return size === 0 ? null : (
          <rect class={tone} x={shareOf(before).toFixed(2)} width={shareOf(size).toFixed(2)} height="6" />
        );
      })}
    </svg>
  );
};

/** The same in words, with a key to the bar's colours. `href`: where the tickets of one status are listed. */
export const BatchLegend: FC<{ counts: StatusCounts; href: (status: TicketStatus) => string }> = ({ counts, href }) => (
  <ul class="legend">
    {[...PARTS, { name: 'waiting', tone: 'rail', of: ['queued'] as const }].map(({ tone, of }) =>
      of
        .filter((status) => counts[status] > 0)
        .map((status) => (
          <li>
            <svg class="batch-bar key" viewBox="0 0 1 1" aria-hidden="true">
              <rect class={tone} width="1" height="1" />
            </svg>
            <a href={href(status)}>
              {counts[status].toLocaleString('en')} {status}
            </a>
          </li>
        )),
    )}
  </ul>
);

/** `120 of 500 tickets`; of a list that is still read it is not known how many there will be. */
export function progressWords(batch: {
  readonly processed: number;
  readonly total: number;
  readonly listing: boolean;
}) {
  const { processed, total, listing } = batch;
  return `${processed.toLocaleString('en')} of ${count(total, 'ticket')}${listing ? ' found so far' : ''}`;
}
