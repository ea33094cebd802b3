import { Command, Option } from 'commander';
import { CommandError, EXIT, guarded } from './command-error.ts';
import { importKnowledge, type KnowledgeImportOptions } from './knowledge-import.ts';
import { syncKnowledge } from './knowledge-sync.ts';
import { describeFound, describeKnowledge, type KnowledgeFound, type KnowledgeSummary } from './knowledge-view.ts';
import { wholeNumber } from './options.ts';
import { connect } from './service-client.ts';
import { jsonLine } from './shown.ts';

/** A request with a longer address is refused before anybody looks at it, characters. */
const ADDRESS_MAX = 14_000;

export function knowledgeCommand(): Command {
  const command = new Command('knowledge')
    .description('What drafts are grounded in: help articles, solved tickets and canned replies of a running service.')
    .addHelpText(
      'after',
      `
All talk to the service at DRAFTDESK_URL (http://127.0.0.1:8787) with
ADMIN_TOKEN. Settings come from the environment or from .env.

Examples:
  $ draftdesk knowledge import --articles ./help --solved solved.jsonl
  $ draftdesk knowledge search "I cannot sign in"`,
    );
  for (const each of [importCommand(), syncCommand(), searchCommand(), statusCommand()]) command.addCommand(each);
  return command;
}

function importCommand(): Command {
  return new Command('import')
    .description(
      'Sends files to the service. The same again changes nothing; what has changed replaces what was there.',
    )
    .option('--articles <path>', 'help articles: lines of JSON (.jsonl, .ndjson), a .md or .html file, or a folder')
    .option('--solved <file>', 'tickets that people have answered: lines of JSON')
    .option('--canned <file>', 'macros and canned responses: lines of JSON')
    .option('--source <name>', 'a name for where this comes from (default of a folder: its own and its place)')
    .option('--json', 'the answers as JSON')
    .addHelpText(
      'after',
      `
Lines:
  articles  {"id","title","body","url"?,"locale"?,"updatedAt"?}
  solved    {"id","subject","description","reply","customer"?,"solvedAt"?,
             "articles"?:[ids]}
  canned    {"id","title","body","updatedAt"?}

A folder is read with all below it: Markdown (id, title, url and locale may
stand in YAML between --- at its top) and HTML. The id is the path without its
ending, the locale a folder named de or pt-BR, or help.de.md. What an earlier
import of the same folder has brought and is no longer there is taken out.

Exit codes:
  0  all is in       1  some lines were rejected

Example:
  $ draftdesk knowledge import --articles ./help --solved solved.jsonl`,
    )
    .action(guarded(importKnowledge satisfies (options: KnowledgeImportOptions) => Promise<number>));
}

function syncCommand(): Command {
  return new Command('sync')
    .description('Reads help centre, macros and solved tickets of the helpdesks now, from where the last sync ended.')
    .option('--no-wait', 'only begin it')
    .option('--json', 'how each source ended, as JSON')
    .addHelpText(
      'after',
      `
It goes on when this command is interrupted; draftdesk knowledge status says
how far it is. The first one reads the whole history and may take hours.

Exit codes:
  0  all sources are read     1  one could not be read to its end

Example:
  $ draftdesk knowledge sync`,
    )
    .action(guarded(syncKnowledge));
}

interface SearchOptions {
  readonly subject?: string;
  readonly limit: number;
  readonly json?: true;
}

function searchCommand(): Command {
  return new Command('search')
    .description('Shows what would be found for a question, best first.')
    .argument('<text...>', "the customer's words")
    .option('--subject <text>', 'of the ticket')
    .addOption(new Option('--limit <n>', 'how many articles, 50 at most').argParser(wholeNumber).default(5))
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  $ draftdesk knowledge search "Where is my invoice?" --subject Invoice')
    .action(
      guarded(async (text: readonly string[], { subject, limit, json }: SearchOptions) => {
        const query = new URLSearchParams({ q: text.join(' '), limit: String(limit) });
        if (subject !== undefined) query.set('subject', subject);
        const path = `/admin/knowledge/search?${query.toString()}`;
        if (path.length > ADDRESS_MAX) throw new CommandError('The text is too long: a few sentences do.', EXIT.usage);
        const found = await connect().get<KnowledgeFound>(path);
        process.stdout.write(json === true ? jsonLine(found) : describeFound(found));
        return 0;
      }),
    );
}

function statusCommand(): Command {
  return new Command('status')
    .description('Shows what is known, and how far each source has been read.')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  $ draftdesk knowledge status')
    .action(
      guarded(async ({ json }: { readonly json?: true }) => {
        const summary = await connect().get<KnowledgeSummary>('/admin/knowledge');
        process.stdout.write(json === true ? jsonLine(summary) : describeKnowledge(summary));
        return 0;
      }),
    );
}
