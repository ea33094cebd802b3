import { Command } from 'commander';
import { guarded } from './command-error.ts';
import { wholeNumber } from './options.ts';
import { formatTable } from './progress-view.ts';
import { connect } from './service-client.ts';
import { jsonLine } from './shown.ts';

export function auditCommand(): Command {
  return new Command('audit')
    .description('Shows who changed what through the admin API, newest first.')
    .option('--limit <n>', 'how many rows, 500 at most', wholeNumber, 50)
    .option('--cursor <cursor>', 'go on where an earlier answer ended')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  $ draftdesk audit --limit 20')
    .action(
      guarded(async ({ limit, cursor, json }: AuditOptions) => {
        const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
        const page = await connect().get<AuditPage>(`/admin/audit?${query.toString()}`);
        process.stdout.write(json === true ? jsonLine(page) : describe(page));
        return 0;
      }),
    );
}

interface AuditOptions {
  readonly limit: number;
  readonly cursor?: string;
  readonly json?: true;
}

/** `GET /admin/audit`. */
interface AuditPage {
  readonly items: readonly {
    readonly at: string;
    readonly who: string | null;
    readonly role: string | null;
    readonly address: string | null;
    readonly action: string;
    readonly subject: string | null;
    readonly outcome: string | null;
    readonly count: number;
  }[];
  readonly nextCursor: string | null;
}

function describe({ items, nextCursor }: AuditPage): string {
  if (items.length === 0) return 'Nobody has changed anything yet.\n';
  const rows = items.map(({ at, who, role, address, action, subject, outcome, count }): readonly [string, string] => {
    const person = who === null ? 'somebody' : `${who} (${role})`;
    const from = address === null ? '' : ` from ${address}`;
    const times = count > 1 ? ` × ${count}` : '';
    const what = subject === null ? action : `${action} ${subject}`;
    return [at, `${person}${from}: ${what} → ${outcome ?? 'end not known'}${times}`];
  });
  const more = nextCursor === null ? '' : `older ones: --cursor ${nextCursor}\n`;
  return `\n${formatTable(process.stdout, rows)}\n${more}`;
}
