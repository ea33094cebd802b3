import type { ServiceControl } from '../../core/service-control.ts';
import { TICKET_STATUSES } from '../../core/ticket.ts';
import { Card, Live, StatusChip, Table } from './components.tsx';
import type { Pages } from './page.tsx';

interface OverviewDeps {
  readonly control: ServiceControl;
}

/** How the work goes, and the two buttons that stop it and let it go on. */
export function addOverview(pages: Pages, { control }: OverviewDeps): void {
  pages.page('/', () => {
    const { counts } = control.progress();
    return {
      title: 'Overview',
      section: 'Overview',
      body: (
        <Live id="counts">
          <Card title="Tickets">
            <Table
              caption="Tickets by status"
              columns={['Status', 'Tickets']}
              rows={TICKET_STATUSES.map((status) => [<StatusChip status={status} />, counts[status]])}
            />
          </Card>
        </Live>
      ),
    };
  });
  pages.action('/pause', async () => {
    await control.pause();
    return { to: '/', say: 'Paused. What is in flight finishes; nothing new is taken.' };
  });
  pages.action('/resume', async () => {
    await control.resume();
    return { to: '/', say: 'Resumed.' };
  });
}
