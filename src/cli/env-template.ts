import { connectables } from '../helpdesk-connection.ts';
import { envLine } from './env-file.ts';

/** Values by variable, and whose they are. */
export interface InitValues {
  readonly helpdesk: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** The text of a `.env`: every setting that a first day needs, the rest as comments with their defaults. */
export function envTemplate({ helpdesk, variables }: InitValues): string {
  const set = (name: string): string => envLine(name, variables[name] ?? '');
  const chosen = connectables.filter(({ name }) => name === helpdesk);
  const helpdeskLines = chosen.flatMap(({ questions, secretVariable, secretBy }) => [
    ...questions.flatMap(({ question, variable }) => [`# ${question}`, set(variable)]),
    secretBy === 'vendor'
      ? `# Signing secret of its webhook: \`draftdesk connect ${helpdesk}\` fetches it`
      : '# Secret that its webhooks must show; made by draftdesk init',
    set(secretVariable),
  ]);
  return `${[
    '# Settings of Draftdesk, made by `draftdesk init`. Keep this file to yourself (mode 600) and out of git.',
    '# NAME= with nothing behind it means "not set". All settings: README, "Settings".',
    '',
    '# --- Draftdesk itself',
    '# Where it listens. Leave 127.0.0.1 behind a reverse proxy on the same machine; 0.0.0.0 in a container.',
    'HOST=127.0.0.1',
    'PORT=8787',
    '# Where the helpdesk reaches it from outside: https, without /webhooks/… (for `draftdesk connect`)',
    set('DRAFTDESK_PUBLIC_URL'),
    '# Who has this token may do everything. Others get their own: draftdesk token new NAME',
    set('ADMIN_TOKEN'),
    '# DATABASE_URL=file:./data/draftdesk.db',
    '',
    `# --- ${helpdesk}`,
    ...helpdeskLines,
    '',
    '# --- LLM: OpenAI, or any server that speaks its Chat Completions',
    set('OPENAI_API_KEY'),
    variables['OPENAI_BASE_URL'] === undefined ? '# OPENAI_BASE_URL=https://llm.acme.com/v1' : set('OPENAI_BASE_URL'),
    variables['LLM_MODEL'] === undefined ? '# LLM_MODEL=' : set('LLM_MODEL'),
    '# Your share of its limits; without these its answers tell them',
    '# LLM_REQUESTS_PER_MINUTE=500',
    '# LLM_TOKENS_PER_MINUTE=200000',
    '# A bound for a UTC day, in USD',
    '# LLM_DAILY_BUDGET_USD=20',
    '',
    '# --- Drafts',
    "# Your team's own guidelines, Markdown; see docs/guidelines.md",
    '# GUIDELINES_FILE=./guidelines.md',
    '# Drafts rest on the help centre, macros and solved tickets, read so often (minutes); 0 = never. Copies their texts here',
    'KNOWLEDGE_SYNC_MINUTES=60',
    '# A second model that judges each draft',
    '# REVIEW_MODEL=',
    '# A cheap model that says what to look for while few solved tickets are known',
    '# QUERY_MODEL=',
    '# Which tickets get what; see docs/rules.md',
    '# DRAFTDESK_CONFIG=./draftdesk.yaml',
    '# Placeholders instead of personal data on the way to the LLM',
    'MASK_PERSONAL_DATA=false',
    '# Texts of finished tickets are removed after so many days',
    'RETENTION_DAYS=30',
    '# Look for tickets whose webhook never came; 0 = never',
    'RECONCILE_EVERY_MINUTES=15',
  ].join('\n')}\n`;
}
