import { Command } from 'commander';
import { guarded } from './command-error.ts';
import { formatCount, formatTable } from './progress-view.ts';
import { connect } from './service-client.ts';
import { jsonLine } from './shown.ts';

/** What is shown of `DELETE /admin/requesters/{helpdesk}/{id}`. */
interface ErasureAnswer {
  readonly removed: {
    readonly tickets: number;
    readonly drafts: number;
    readonly solved: number;
    readonly errors: number;
    readonly spendingDays: number;
  };
  readonly cancelled: number;
  readonly notRemoved: readonly string[];
}

export function eraseCommand(): Command {
  return new Command('erase')
    .description("Removes one person's texts from a running service, and says what is out of its hands.")
    .argument('<helpdesk>', 'e.g. zendesk')
    .argument('<id>', 'of the requester, as the helpdesk has it')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  $ draftdesk erase zendesk 361123456789')
    .action(
      guarded(async (helpdesk: string, id: string, { json }: { readonly json?: true }) => {
        const path = `/admin/requesters/${encodeURIComponent(helpdesk)}/${encodeURIComponent(id)}`;
        const answer = await connect().delete<ErasureAnswer>(path);
        process.stdout.write(json === true ? jsonLine(answer) : describe(answer));
        return 0;
      }),
    );
}

function describe({ removed, cancelled, notRemoved }: ErasureAnswer): string {
  const rows: (readonly [string, string])[] = [
    ['tickets', `${formatCount(removed.tickets)} (their ids stay)`],
    ['drafts', formatCount(removed.drafts)],
    ['solved tickets that drafts could rest on', formatCount(removed.solved)],
    ['error texts', formatCount(removed.errors)],
    ['days of spending', formatCount(removed.spendingDays)],
    ['work ended', `${formatCount(cancelled)} tickets`],
  ];
  const left = notRemoved.map((sentence) => `  - ${sentence}\n`).join('');
  return `\n${formatTable(process.stdout, rows)}\nNot removed:\n${left}`;
}
