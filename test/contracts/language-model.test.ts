import { afterEach } from 'vitest';
import { seededRandom, systemClock } from '../../src/core/clock.ts';
import { languageModels } from '../../src/llms/index.ts';
import { createLlmSimulator } from '../../src/sandbox/openai.ts';
import { listen } from '../../src/sandbox/server.ts';
import { languageModelContract } from './language-model.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

// every family so far speaks OpenAI's API, so one simulator serves them all
for (const module of languageModels) {
  languageModelContract(module.name, async () => {
    const clock = systemClock();
    const simulator = createLlmSimulator({ clock, random: seededRandom(7) });
    const server = await listen(simulator.fetch);
    open.push(server);
    const create = (key: string) => {
      const env = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: key, LLM_TIMEOUT_MS: '5000' };
      return module.create(module.settings.parse(env), { fetch, clock, allowInsecureUpstreams: false });
    };
    return {
      llm: create(simulator.apiKey),
      withWrongKey: create('sk-wrong'),
      fail: (how) => simulator.faults.failNext(how),
      calls: () => simulator.stats().requests,
    };
  });
}
