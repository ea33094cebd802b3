import type { FC } from 'hono/jsx';
import { TICKET_STATUSES, type TicketSummary } from '../../core/ticket.ts';
import type { BatchSummary } from '../../core/ticket-reader.ts';
import { batchName } from './batch-words.ts';
import { Ago, Empty, Live, Pager, StatusChip, Table } from './components.tsx';
import type { Visit } from './page.tsx';
import { Shown } from './shown.tsx';
import { ticketPath } from './ticket-view.tsx';

interface TicketListProps {
  readonly tickets: readonly TicketSummary[];
  /** As it was asked for. */
  readonly query: Readonly<Record<'q' | 'status' | 'helpdesk' | 'batch', string | undefined>>;
  readonly cursor: string | undefined;
  readonly next: string | null;
  readonly helpdesks: readonly string[];
  /** To choose from, newest first. */
  readonly batches: readonly BatchSummary[];
  readonly visit: Visit;
}

/** A page of tickets, and the form that finds them. */
export const TicketList: FC<TicketListProps> = (props) => {
  const { tickets, query, cursor, next, helpdesks, visit } = props;
  return (
    <>
      <Filters {...props} />
      <Live id="tickets">
        {tickets.length === 0 ? (
          <NoTickets {...props} />
        ) : (
          <div class="card">
            <Table
              caption="Tickets"
              columns={['Ticket', 'Subject', 'Status', 'Why', 'Changed']}
              rows={tickets.map((ticket) => [
                <div>
                  {helpdesks.length > 1 && <span class="muted">{ticket.helpdesk} </span>}
                  <a href={ticketPath(ticket)}>{ticket.ticketId}</a>
                </div>,
                ticket.subject === null ? <span class="muted">–</span> : <Shown text={ticket.subject} />,
                <StatusChip status={ticket.status} />,
                ticket.reason ?? ticket.errorClass ?? <span class="muted">–</span>,
                <Ago at={ticket.updatedAt} now={visit.now} />,
              ])}
            />
          </div>
        )}
        <Pager here="/tickets" query={query} cursor={cursor} next={next} />
      </Live>
    </>
  );
};

const Filters: FC<TicketListProps> = ({ query, helpdesks, batches }) => (
  <form class="filters" method="get" action="/tickets" role="search">
    <div>
      <label for="q">Id or words of the subject</label>
      <input id="q" name="q" type="search" maxlength={100} value={query.q ?? ''} />
    </div>
    <Choice
      name="status"
      label="Status"
      all="any"
      value={query.status}
      options={TICKET_STATUSES.map((status) => [status, status])}
    />
    {helpdesks.length > 1 && (
      <Choice
        name="helpdesk"
        label="Helpdesk"
        all="all"
        value={query.helpdesk}
        options={helpdesks.map((name) => [name, name])}
      />
    )}
    {(batches.length > 0 || query.batch !== undefined) && (
      <Choice name="batch" label="Batch" all="any or none" value={query.batch} options={batchOptions(batches, query)} />
    )}
    <button type="submit">Show</button>
  </form>
);

/** The one that is shown may be older than those to choose from. */
function batchOptions(batches: readonly BatchSummary[], { batch }: TicketListProps['query']): Option[] {
  const options = batches.map((one): Option => [one.id, batchName(one)]);
  if (batch === undefined || batches.some(({ id }) => id === batch)) return options;
  return [...options, [batch, batch]];
}

type Option = readonly [value: string, label: string];

const Choice: FC<{
  name: string;
  label: string;
  all: string;
  value: string | undefined;
  options: readonly Option[];
}> = ({ name, label, all, value, options }) => (
  <div>
    <label for={name}>{label}</label>
    <select id={name} name={name}>
      <option value="">{all}</option>
      {options.map(([option, text]) => (
        <option value={option} selected={option === value}>
          {text}
        </option>
      ))}
    </select>
  </div>
);

const NoTickets: FC<TicketListProps> = ({ query, visit }) => {
  if (Object.values(query).some((value) => value !== undefined)) {
    return (
      <Empty title="No ticket fits.">
        <p>
          {query.q !== undefined && 'Words are looked for in subjects that are still stored; ids by how they start. '}
          <a href="/tickets">Show all tickets</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="No ticket has come yet.">
      <p>
        They come by webhook (README, "Connecting")
        {visit.canChange && (
          <>
            , or <a href="/batches/new">start a batch</a>
          </>
        )}
        .
      </p>
    </Empty>
  );
};
