import { seededRandom, systemClock } from '../../src/core/clock.ts';
import { createLlmSimulator } from '../../src/sandbox/openai.ts';
import { listen } from '../../src/sandbox/server.ts';
import { createZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { WEBHOOK_SECRET } from './service.ts';

/*
 * The simulated vendors in a process of their own, so that their CPU time is not the service's. Talks to its parent by
 * messages: { connect: url, tickets: n } creates tickets and sends their webhooks, { tickets: n } only creates them;
 * { created: ids } out. { report: true } answers { seen }. The mean answer time of the LLM in ms is the first argument.
 */
const clock = systemClock();
const random = seededRandom(1);
const llm = createLlmSimulator({ clock, random, latencyMs: Number(process.argv[2] ?? 0) });
const zendesk = createZendeskSimulator({ clock, random, webhookSecret: WEBHOOK_SECRET });

/** What the vendors have seen, on the clock that all processes share, epoch ms. */
export interface Seen {
  llmRequests: number;
  lastLlmRequestAt: number;
  lastNoteAt: number;
}

const seen: Seen = { llmRequests: 0, lastLlmRequestAt: 0, lastNoteAt: 0 };
const llmServer = await listen((request, env) => {
  seen.llmRequests += 1;
  seen.lastLlmRequestAt = Date.now();
  return llm.fetch(request, env);
});
const zendeskServer = await listen((request, env) => {
  if (request.method === 'PUT') seen.lastNoteAt = Date.now();
  return zendesk.fetch(request, env);
});

interface Command {
  readonly connect?: string;
  readonly tickets?: number;
  readonly report?: true;
}

async function create({ connect, tickets = 0 }: Command): Promise<void> {
  if (connect !== undefined) zendesk.connect({ url: connect, fetch });
  const created: string[] = [];
  for (let index = 0; index < tickets; index += 1) {
    created.push(
      zendesk.addTicket({
        subject: `Question ${index} about my order`,
        html: `<p>Hello, my order ${index} has not arrived. Where is it? I have waited for two weeks now and need it soon.</p>`,
      }),
    );
    if (index % 25 === 24) await zendesk.idle();
  }
  await zendesk.idle();
  process.send?.({ created });
}

process.on('message', (command: Command) => {
  if (command.report) process.send?.({ seen });
  else void create(command);
});
process.on('disconnect', () => process.exit());
process.send?.({
  ready: {
    OPENAI_BASE_URL: `${llmServer.url}/v1`,
    OPENAI_API_KEY: llm.apiKey,
    LLM_MODEL: llm.models[0],
    ZENDESK_BASE_URL: zendeskServer.url,
    ZENDESK_OAUTH_CLIENT_ID: zendesk.credentials.clientId,
    ZENDESK_OAUTH_CLIENT_SECRET: zendesk.credentials.clientSecret,
  },
});
