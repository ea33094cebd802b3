import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { conditionWords, effectWords } from '../core/rule-words.ts';
import type { RuleSet } from '../core/rules.ts';
import { readRulesFile } from '../rules-file.ts';
import { CommandError, EXIT, guarded } from './command-error.ts';
import { readEnvironment } from './environment.ts';
import { jsonLine } from './shown.ts';
import { tryRules } from './try-rules.ts';

const USUAL_FILE = 'draftdesk.yaml';

const HELP = `
Reads the rules as the service would (docs/rules.md): the file given, else
DRAFTDESK_CONFIG, else ${USUAL_FILE} here. Starts and writes nothing.
--try takes what a ticket has, comma separated: helpdesk, brand, group, channel,
tag (also several times), language, priority, category, requester.
Exit codes: 0 the rules are good, 78 they are not.

Examples:
  $ draftdesk config check
  $ draftdesk config check rules.yaml --try helpdesk=zendesk,tag=vip,language=de`;

interface Options {
  readonly json?: true;
  readonly try?: string;
}

export function configCommand(): Command {
  const check = new Command('check')
    .description('Checks the file of rules and says how it is understood.')
    .argument('[file]', 'the file of rules')
    .option('--json', 'the rules, or what is wrong, as JSON')
    .option('--try <ticket>', 'which rule would take a ticket like this')
    .addHelpText('after', HELP)
    .action(guarded(checkRules));
  return new Command('config').description('Looks at the file of rules.').addCommand(check).addHelpText('after', HELP);
}

async function checkRules(given: string | undefined, { json, try: ticket }: Options): Promise<number> {
  const path = given ?? (readEnvironment()['DRAFTDESK_CONFIG'] || (existsSync(USUAL_FILE) ? USUAL_FILE : undefined));
  if (path === undefined) {
    throw new CommandError(`Which file? Name it, or set DRAFTDESK_CONFIG, or make ${USUAL_FILE} here.`, EXIT.usage);
  }
  const reading = readRulesFile(path);
  if ('problems' in reading) {
    if (json === true) process.stdout.write(jsonLine({ file: path, problems: reading.problems }));
    else process.stderr.write([`${path} is wrong:`, ...reading.problems.map((one) => `  - ${one}`), ''].join('\n'));
    return EXIT.config;
  }
  const { ruleSet } = reading;
  const tried = ticket === undefined ? null : tryRules(ruleSet, ticket);
  if (json === true) process.stdout.write(jsonLine({ file: path, ...ruleSet, ...(tried === null ? {} : { tried }) }));
  else process.stdout.write(`${tried === null ? summary(path, ruleSet) : tried.words.join('\n')}\n`);
  return 0;
}

function summary(path: string, { version, categories, rules }: RuleSet): string {
  const listed = rules.map(
    (rule, index) => `${index + 1}. ${rule.name}\n   if   ${conditionWords(rule.when)}\n   then ${effectWords(rule)}`,
  );
  return [
    `${path} is good: version ${version}, ${rules.length} rules. The first that matches takes a ticket.`,
    '',
    ...listed,
    '   else a draft',
    ...(categories.length === 0
      ? []
      : [
          '',
          'Categories, named by the model:',
          ...categories.map(({ name, description }) => `- ${name}: ${description}`),
        ]),
  ].join('\n');
}
