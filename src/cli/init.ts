import { existsSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { Command, Option } from 'commander';
import { ConfigError, readConfig } from '../config.ts';
import { newSecret } from '../core/clock.ts';
import { connectables } from '../helpdesk-connection.ts';
import { type Asker, canAsk, createAsker } from './ask.ts';
import { CommandError, EXIT, guarded } from './command-error.ts';
import { ENV_FILE, writeEnvFile } from './env-file.ts';
import { envTemplate, type InitValues } from './env-template.ts';
import { jsonLine } from './shown.ts';

interface InitOptions {
  readonly helpdesk?: string;
  readonly baseUrl?: string;
  readonly publicUrl?: string;
  readonly llmUrl?: string;
  readonly model?: string;
  readonly yes?: true;
  readonly force?: true;
  readonly json?: true;
}

export function initCommand(): Command {
  return new Command('init')
    .description('Writes a commented .env with strong secrets, and names what is still to be filled in.')
    .addOption(new Option('--helpdesk <name>', 'which one').choices(connectables.map(({ name }) => name)))
    .option('--base-url <url>', 'its address, e.g. https://acme.zendesk.com')
    .option('--public-url <url>', 'where the helpdesk will reach Draftdesk')
    .option('--llm-url <url>', 'an OpenAI-compatible server instead of OpenAI')
    .option('--model <name>', "the model's name at that server")
    .option('--yes', 'ask nothing; what is not told stays empty')
    .option('--force', 'overwrite the .env that is there')
    .option('--json', 'what was written and what is missing, as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ draftdesk init\n  $ draftdesk init --helpdesk zendesk \\\n      --base-url https://acme.zendesk.com --yes',
    )
    .action(guarded(init));
}

async function init(options: InitOptions): Promise<number> {
  if (existsSync(ENV_FILE) && options.force !== true)
    throw new CommandError(`${ENV_FILE} is there already. Overwrite it with --force, or edit it.`, EXIT.usage);
  const values = options.yes === true || !canAsk() ? told(options) : await ask(options);
  const text = envTemplate(values);
  writeEnvFile(text);
  const missing = missingIn(text);
  process.stdout.write(
    options.json === true ? jsonLine({ file: ENV_FILE, missing }) : describe(missing, values.helpdesk),
  );
  return 0;
}

/** By flags alone. */
function told(options: InitOptions): InitValues {
  if (options.helpdesk === undefined)
    throw new CommandError(
      `Say which helpdesk: --helpdesk ${connectables.map(({ name }) => name).join(' or --helpdesk ')}.`,
      EXIT.usage,
    );
  return {
    helpdesk: options.helpdesk,
    variables: { ...secretsOf(options.helpdesk), ...flagged(options.helpdesk, options) },
  };
}

function flagged(helpdesk: string, { baseUrl, publicUrl, llmUrl, model }: InitOptions): Record<string, string> {
  const address = connectables.find(({ name }) => name === helpdesk)?.questions[0]?.variable ?? '';
  const pairs = [
    [address, baseUrl],
    ['DRAFTDESK_PUBLIC_URL', publicUrl],
    ['OPENAI_BASE_URL', llmUrl],
    ['LLM_MODEL', model],
  ] as const;
  return Object.fromEntries(pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function secretsOf(helpdesk: string): Record<string, string> {
  const { secretVariable, secretBy } = connectables.find(({ name }) => name === helpdesk) ?? {};
  const ofWebhook = secretVariable !== undefined && secretBy === 'us' ? { [secretVariable]: newSecret() } : {};
  return { ADMIN_TOKEN: newSecret(), ...ofWebhook };
}

async function ask(options: InitOptions): Promise<InitValues> {
  using asker = createAsker();
  process.stderr.write('Enter alone leaves a value empty: it can be filled in later.\n');
  const names = connectables.map(({ name }) => name);
  const helpdesk = options.helpdesk ?? (await asker.choose('Which helpdesk', names));
  const variables: Record<string, string> = { ...secretsOf(helpdesk), ...flagged(helpdesk, options) };
  const put = async (name: string, question: string, secret: boolean): Promise<void> => {
    variables[name] ??= secret ? await asker.secret(question) : await asker.text(question);
  };
  const questions = connectables.find(({ name }) => name === helpdesk)?.questions ?? [];
  for (const { variable, question, secret } of questions) await put(variable, question, secret);
  await put('DRAFTDESK_PUBLIC_URL', `Where ${helpdesk} will reach Draftdesk, e.g. https://draftdesk.acme.com`, false);
  await askForModel(asker, put, variables);
  return { helpdesk, variables };
}

async function askForModel(
  asker: Asker,
  put: (name: string, question: string, secret: boolean) => Promise<void>,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  const own =
    variables['OPENAI_BASE_URL'] !== undefined || (await asker.choose('Which LLM', ['openai', 'other'])) === 'other';
  if (own) {
    await put('OPENAI_BASE_URL', 'Address of the OpenAI-compatible server, up to and with /v1', false);
    await put('LLM_MODEL', "The model's name there", false);
  }
  await put('OPENAI_API_KEY', own ? 'Its API key' : 'OpenAI API key (sk-…)', true);
}

/** In the words of the service itself, which would refuse to start. */
function missingIn(text: string): readonly string[] {
  try {
    readConfig(parseEnv(text));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function describe(missing: readonly string[], helpdesk: string): string {
  const connect = `draftdesk connect ${helpdesk}`;
  const byConnect = new Set(
    connectables.filter(({ secretBy }) => secretBy === 'vendor').map((one) => one.secretVariable),
  );
  const open = missing.map((problem) => {
    const filled = byConnect.has(problem.split(' ')[0] ?? '') ? ` (${connect} fetches it)` : '';
    return `  - ${problem}${filled}\n`;
  });
  const fill = open.length === 0 ? '' : `\nStill to be filled in there:\n${open.join('')}`;
  return `Written: ${ENV_FILE} (mode 600, with a new ADMIN_TOKEN)\n${fill}\nThen: npx ${connect}\n`;
}
