import type { FC } from 'hono/jsx';
import { ADVICE } from '../../core/advice.ts';
import { ERROR_CLASSES, type ErrorClass, RequestError } from '../../core/errors.ts';
import type { Outbox } from '../../core/outbox.ts';
import type { Failing, TicketReader } from '../../core/ticket-reader.ts';
import type { TicketSummary } from '../../core/ticket.ts';
import type { AdminContext } from '../admin-auth.ts';
import { openCursor, sealCursor } from '../input.ts';
import { Action, address, Ago, Card, Empty, Live, Name, Pager, Table } from './components.tsx';
import { textOf } from './form.ts';
import type { Pages, Visit } from './page.tsx';
import { count } from './words.ts';

interface DeadLetterDeps {
  readonly outbox: Outbox;
  readonly reader: TicketReader;
}

const PATH = '/dead-letters';
const PAGE = 25;

/** Tickets that were given up, by what they died of, with what to do about it. */
export function addDeadLetters(pages: Pages, { outbox, reader }: DeadLetterDeps): void {
  pages.page(PATH, (c, visit) => {
    const groups = reader.failing().filter(({ dead }) => dead > 0);
    const chosen = classOf(c.req.query('class'));
    return {
      title: 'Dead letters',
      section: 'Dead letters',
      body: (
        <Live id="dead-letters">
          <Summary groups={groups} visit={visit} />
          {groups.length > 0 && <List c={c} reader={reader} visit={visit} errorClass={chosen} />}
        </Live>
      ),
    };
  });
  pages.action(`${PATH}/retry`, async (_c, _visit, form) => {
    const errorClass = classOf(textOf(form, 'class'));
    const retried = await outbox.retryDead(errorClass === undefined ? {} : { errorClass });
    return { to: PATH, say: `${count(retried, 'ticket')} sent back to the queue.` };
  });
  pages.action(`${PATH}/:helpdesk/:ticketId/retry`, async (c) => {
    const { helpdesk = '', ticketId = '' } = c.req.param() as Readonly<Record<string, string>>;
    const result = await outbox.retryTicket(helpdesk, ticketId);
    if (result.kind === 'unknown') throw new RequestError('not_found', 'No such ticket is known here.');
    if (result.kind === 'conflict')
      return { to: PATH, say: `Ticket ${ticketId} is ${result.status}, not dead.`, tone: 'bad' };
    return { to: PATH, say: `Ticket ${ticketId} sent back to the queue.` };
  });
}

/** Undefined for none. Throws `RequestError('malformed')` for what is no class: it must not mean all. */
function classOf(text: string | undefined): ErrorClass | undefined {
  if (text === undefined || text === '') return undefined;
  const found = ERROR_CLASSES.find((errorClass) => errorClass === text);
  if (found === undefined) throw new RequestError('malformed', 'There is no such class of errors.');
  return found;
}

const Summary: FC<{ groups: readonly Failing[]; visit: Visit }> = ({ groups, visit }) => {
  if (groups.length === 0) {
    return (
      <Empty title="No ticket is dead.">
        <p>
          A ticket comes here when its tries are used up or another one would not help. What is tried again by itself
          stands under <a href="/tickets?status=retrying">retrying</a>.
        </p>
      </Empty>
    );
  }
  const total = groups.reduce((sum, { dead }) => sum + dead, 0);
  return (
    <>
      <div class="row spread">
        <p>
          {count(total, 'ticket')} in {count(groups.length, 'class', 'classes')}
        </p>
        {visit.canChange && (
          <Action
            to={`${PATH}/retry`}
            label="Retry all"
            kind="quiet"
            confirm={`Send ${count(total, 'ticket')} back to the queue?`}
          />
        )}
      </div>
      {groups.map(({ errorClass, dead }) => (
        <section class="card group">
          <div>
            <h2>
              <code>{errorClass}</code>{' '}
              <a class="number" href={address(PATH, { class: errorClass })}>
                {count(dead, 'ticket')}
              </a>
            </h2>
            <p>{ADVICE[errorClass]}</p>
          </div>
          {visit.canChange && (
            <Action
              to={`${PATH}/retry`}
              fields={{ class: errorClass }}
              label="Retry these"
              about={`that died of ${errorClass}`}
              confirm={`Send ${count(dead, 'ticket')} back to the queue?`}
            />
          )}
        </section>
      ))}
    </>
  );
};

interface ListProps {
  readonly c: AdminContext;
  readonly reader: TicketReader;
  readonly visit: Visit;
  readonly errorClass: ErrorClass | undefined;
}

const List: FC<ListProps> = ({ c, reader, visit, errorClass }) => {
  const scope = { list: 'console/dead-letters', errorClass };
  const sealed = c.req.query('cursor');
  const cursor = openCursor(sealed, scope);
  const page = reader.tickets({
    status: 'dead',
    limit: PAGE,
    ...(errorClass === undefined ? {} : { errorClass }),
    ...(cursor === undefined ? {} : { cursor }),
  });
  return (
    <Card title={errorClass === undefined ? 'Newest first' : `Died of ${errorClass}`}>
      {errorClass !== undefined && (
        <p>
          <a href={PATH}>Show all classes</a>
        </p>
      )}
      <Table
        caption="Dead tickets"
        columns={['Ticket', 'Died', 'Class', 'Error', ...(visit.canChange ? ['Action'] : [])]}
        rows={page.items.map((ticket) => row(ticket, visit))}
      />
      <Pager here={PATH} query={{ class: errorClass }} cursor={sealed} next={sealCursor(page.nextCursor, scope)} />
    </Card>
  );
};

function row(ticket: TicketSummary, visit: Visit) {
  const { helpdesk, ticketId, subject, updatedAt, errorClass, error } = ticket;
  const path = `${encodeURIComponent(helpdesk)}/${encodeURIComponent(ticketId)}`;
  return [
    <span>
      <a href={`/tickets/${path}`}>
        {helpdesk} {ticketId}
      </a>
      <br />
      <span class="muted">{subject ?? 'subject not known'}</span>
    </span>,
    <Ago at={updatedAt} now={visit.now} />,
    <Name of={errorClass ?? ''} />,
    <span>{error}</span>,
    ...(visit.canChange
      ? [<Action to={`${PATH}/${path}/retry`} label="Retry" about={`ticket ${ticketId}`} kind="quiet" />]
      : []),
  ];
}
