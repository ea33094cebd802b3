import { Command, Option } from 'commander';
import { ADMIN_ROLES, type AdminRole, isTokenName, tokenLine } from '../core/admin-token.ts';
import { newSecret, sha256 } from '../core/clock.ts';
import { CommandError, EXIT, guarded } from './command-error.ts';
import { jsonLine } from './shown.ts';

const EXAMPLE = '\nExample:\n  $ draftdesk token new alice --role operator';

export function tokenCommand(): Command {
  const make = new Command('new')
    .description('Makes an admin token. It is shown once; the service keeps its digest only.')
    .argument('<name>', 'whose it is, as the audit log will show it')
    .addOption(new Option('--role <role>', 'what it may do').choices(ADMIN_ROLES).default('viewer'))
    .option('--json', '{"token","line"} instead of two lines')
    .addHelpText('after', EXAMPLE)
    .action(guarded(newToken));
  return new Command('token')
    .description('Tokens of the admin API, by name and role.')
    .addCommand(make)
    .addHelpText('after', EXAMPLE);
}

async function newToken(
  name: string,
  { role, json }: { readonly role: AdminRole; readonly json?: true },
): Promise<number> {
  if (!isTokenName(name)) {
    throw new CommandError('A name is letters, digits and . _ @ - (and not admin-1, …: these are taken).', EXIT.usage);
  }
  const token = newSecret();
  const line = tokenLine({ name, role, digest: sha256(token) });
  if (json === true) {
    process.stdout.write(jsonLine({ token, line }));
    return 0;
  }
  // two lines for scripts; what they are is said beside them
  process.stderr.write('The token, for its holder (shown once), and its line for ADMIN_TOKENS_FILE:\n');
  process.stdout.write(`${token}\n${line}\n`);
  process.stderr.write('The service reads the file when it starts.\n');
  return 0;
}
