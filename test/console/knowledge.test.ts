import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SourceProgress } from '../../src/core/knowledge-sync.ts';
import { serveApp } from '../http/serve-app.ts';
import { ADMIN_TOKEN, type TestApp, testApp, VIEWER_TOKEN } from '../http/test-app.ts';
import { browser, expectAccessible, openConsole, SLOW } from './browser.ts';

const PASS: SourceProgress = {
  source: 'zendesk',
  kind: 'articles',
  state: 'failed',
  listed: 0,
  imported: 0,
  updated: 0,
  removed: 0,
  rejected: 0,
  error: 'The key may not read articles.',
};

describe.skipIf(browser === null)('the page Knowledge', SLOW, () => {
  let parts: TestApp;
  let served: { readonly port: number; readonly close: () => Promise<void> };
  let url: string;
  let begun = 0;

  beforeEach(async () => {
    begun = 0;
    const sync = async (): Promise<readonly SourceProgress[]> => {
      begun += 1;
      return [PASS];
    };
    parts = testApp({ knowledgeSync: { sync, progress: () => [PASS] } });
    served = await serveApp(parts);
    url = `http://127.0.0.1:${served.port}`;
  });
  afterEach(() => served.close());

  test('begins with what to do, and an operator starts the sync', async () => {
    parts.knowledge.counts = { articles: 0, solved: 0, canned: 0 };
    await using page = await openConsole(url, { token: ADMIN_TOKEN });
    await page.getByRole('link', { name: 'Knowledge' }).click();
    await page.getByText('npx draftdesk knowledge import').waitFor();
    await page.getByText('The key may not read articles.').waitFor();
    await expectAccessible(page, 'knowledge-empty');
    await page.getByRole('button', { name: 'Sync now' }).click();
    await page.getByRole('status').getByText('Reading the helpdesks.').waitFor();
    expect(begun).toBe(1);
  });

  test('a viewer tries what would be found, and has no button', async () => {
    const found = { restricted: true, share: 0.61, votes: 4, heading: 'On the web', passage: 'Choose it. '.repeat(80) };
    parts.knowledge.search = async ({ text, subject }) => ({
      articles: [{ id: 'reset', locale: 'en', title: `${text} / ${subject}`, url: 'https://help.test/r', ...found }],
      solved: [{ id: '5158', subject: 'Cannot sign in', reply: 'It is below the form.', score: 3 }],
      canned: [{ id: 'c', title: 'Login', body: 'Hello', score: 1 }],
      version: '7',
    });
    await using page = await openConsole(url, { token: VIEWER_TOKEN });
    await page.goto('/knowledge');
    await page.getByLabel('What a customer writes').fill('I forgot my password');
    await page.getByLabel('Subject').fill('Login');
    await page.getByRole('button', { name: 'What would be found?' }).click();
    await page.getByRole('heading', { name: 'I forgot my password / Login' }).waitFor();
    await page.getByText('61 % of the evidence').waitFor();
    await page.getByText('It is below the form.').waitFor();
    expect(await page.getByLabel('What a customer writes').inputValue()).toBe('I forgot my password');
    expect(await page.getByRole('button', { name: 'Sync now' }).count()).toBe(0);
    await expectAccessible(page, 'knowledge-found');
  });
});
