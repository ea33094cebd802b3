import type { Child, FC } from 'hono/jsx';
import type { TicketStatus } from '../../core/ticket.ts';
import { ago, duration } from './words.ts';

/** Replaced by the server's newest rendering while work moves (browser/live.ts). The id is the page's own. */
export const Live: FC<{ id: string; children?: Child }> = ({ id, children }) => (
  <div id={id} data-live>
    {children}
  </div>
);

/** A form that is one button. `fields` go with it; `confirm` is asked before, where scripts run. */
export const Action: FC<{
  to: string;
  label: string;
  /** What it does, for those who hear it out of its row. */
  about?: string;
  kind?: 'quiet' | 'danger';
  confirm?: string;
  fields?: Readonly<Record<string, string>>;
}> = ({ to, label, about, kind, confirm, fields = {} }) => (
  <form class="action" method="post" action={to} {...(confirm === undefined ? {} : { 'data-confirm': confirm })}>
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    <button type="submit" {...(kind === undefined ? {} : { class: kind })}>
      {label}
      {about === undefined ? null : <span class="unseen"> {about}</span>}
    </button>
  </form>
);

export type Tone = 'good' | 'bad' | 'wait' | 'busy' | 'still';

const STATUS_TONE: Readonly<Record<TicketStatus, Tone>> = {
  queued: 'wait',
  drafting: 'busy',
  drafted: 'wait',
  posting: 'busy',
  posted: 'good',
  accepted: 'good',
  edited: 'good',
  discarded: 'still',
  retrying: 'wait',
  skipped: 'still',
  dead: 'bad',
  cancelled: 'still',
};

/** A word with a mark of its own shape: never by colour alone. */
export const Chip: FC<{ tone: Tone; children?: Child }> = ({ tone, children }) => (
  <span class={`chip ${tone}`}>{children}</span>
);

export const StatusChip: FC<{ status: TicketStatus }> = ({ status }) => (
  <Chip tone={STATUS_TONE[status]}>{status}</Chip>
);

/** How long ago, with the moment itself (UTC) for who points at it. Times are epoch ms. */
export const Ago: FC<{ at: number; now: number }> = ({ at, now }) => (
  <time datetime={new Date(at).toISOString()} title={moment(at)}>
    {ago(at, now)}
  </time>
);

/** The moment itself, to the second, UTC. */
export const Moment: FC<{ at: number }> = ({ at }) => <time datetime={new Date(at).toISOString()}>{moment(at)}</time>;

function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Of this many ms: `840 ms`, `3.2 s`, `4 min`. */
export const Duration: FC<{ ms: number }> = ({ ms }) => <span class="number">{duration(ms)}</span>;

export const Card: FC<{ title: string; class?: string; children?: Child }> = ({
  title,
  class: kind = '',
  children,
}) => (
  <section class={`card ${kind}`.trim()}>
    <h2>{title}</h2>
    {children}
  </section>
);

/** Nothing is here, and what to do about it. */
export const Empty: FC<{ title: string; children?: Child }> = ({ title, children }) => (
  <div class="empty">
    <p>
      <strong>{title}</strong>
    </p>
    {children}
  </div>
);

/** A name of a program's kind, that may be broken at its underscores. */
export const Name: FC<{ of: string }> = ({ of }) => (
  <code>
    {of.split('_').map((word, index) => (
      <>
        {index > 0 && '_'}
        {index > 0 && <wbr />}
        {word}
      </>
    ))}
  </code>
);

/** Names and values. */
export const Facts: FC<{ of: readonly (readonly [name: string, value: Child])[] }> = ({ of }) => (
  <dl class="facts">
    {of.map(([name, value]) => (
      <div>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

/**
 * A table that turns into cards on a phone, where each cell says its column's name; a `small` one stays a table. The
 * roles are told because `display: block` would take them away.
 */
export const Table: FC<{
  caption: string;
  columns: readonly string[];
  rows: readonly (readonly Child[])[];
  small?: boolean;
}> = ({ caption, columns, rows, small = false }) => (
  <table role="table" {...(small ? { class: 'small' } : {})}>
    <caption class="unseen">{caption}</caption>
    <thead role="rowgroup">
      <tr role="row">
        {columns.map((name) => (
          <th role="columnheader" scope="col">
            {name}
          </th>
        ))}
      </tr>
    </thead>
    <tbody role="rowgroup">
      {rows.map((cells) => (
        <tr role="row">
          {cells.map((cell, index) => (
            <td role="cell" data-label={columns[index] ?? ''}>
              {cell}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
);

/** How much of a limit is used, in words and as a bar. */
export const Meter: FC<{ label: Child; used: number; of: number; text?: string }> = ({ label, used, of, text }) => {
  const share = of <= 0 ? 0 : Math.min(1, Math.max(0, used / of));
  return (
    <div class={`meter ${share >= 0.9 ? 'high' : ''}`.trim()}>
      <span class="label">{label}</span>
      <span class="number">{text ?? `${used.toLocaleString('en')} of ${of.toLocaleString('en')}`}</span>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="rail" width="100" height="6" rx="1" />
        <rect class="fill" width={(share * 100).toFixed(1)} height="6" rx="1" />
      </svg>
    </div>
  );
};

/** Links to the first and the next page of a list; nothing where there is one page only. `here` is the page's path. */
export const Pager: FC<{
  here: string;
  /** What else stands in the address: filters. */
  query?: Readonly<Record<string, string | undefined>>;
  cursor: string | undefined;
  next: string | null;
}> = ({ here, query = {}, cursor, next }) => {
  if (cursor === undefined && next === null) return null;
  return (
    <nav class="pager" aria-label="Pages of this list">
      {cursor === undefined ? null : <a href={address(here, query)}>First page</a>}
      {next === null ? (
        <span class="muted">That is all.</span>
      ) : (
        <a rel="next" href={address(here, { ...query, cursor: next })}>
          Next page
        </a>
      )}
    </nav>
  );
};

/** A path of ours with what stands behind the `?`. */
export function address(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}
