import { seededRandom, systemClock } from '../../src/core/clock.ts';
import { createLlmSimulator } from '../../src/sandbox/openai.ts';
import { listen } from '../../src/sandbox/server.ts';
import { createZendeskSimulator } from '../../src/sandbox/zendesk.ts';
import { WEBHOOK_SECRET } from './service.ts';

/*
 * The simulated vendors in a process of their own, so that their CPU time is not the service's. Talks to its parent by
 * messages: { connect: url, tickets: n } in; { ready }, { created } and { notes } out.
 */
const clock = systemClock();
const random = seededRandom(1);
const llm = createLlmSimulator({ clock, random });
const zendesk = createZendeskSimulator({ clock, random, webhookSecret: WEBHOOK_SECRET });
const llmServer = await listen(llm.fetch);
const zendeskServer = await listen(zendesk.fetch);

interface Command {
  readonly connect: string;
  readonly tickets: number;
}

async function flood({ connect, tickets }: Command): Promise<void> {
  zendesk.connect({ url: connect, fetch });
  for (let index = 0; index < tickets; index += 1) {
    zendesk.addTicket({
      subject: `Question ${index} about my order`,
      html: `<p>Hello, my order ${index} has not arrived. Where is it? I have waited for two weeks now and need it soon.</p>`,
    });
    if (index % 25 === 24) await zendesk.idle();
  }
  await zendesk.idle();
  process.send?.({ created: tickets });
}

process.on('message', (command: Command) => void flood(command));
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
