import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN, startTestService, startVendors } from '../support/harness.ts';
import {
  browser,
  type ConsoleSite,
  expectAccessible,
  openBrowser,
  openConsole,
  signIn,
  SLOW,
  startConsole,
  VIEWER_TOKEN,
} from './browser.ts';

describe.skipIf(browser === null)('signing in at the console', SLOW, () => {
  let site: ConsoleSite;

  beforeAll(async () => {
    site = await startConsole();
  });
  afterAll(() => site[Symbol.asyncDispose]());

  test('an operator comes in with a token, to the page that was asked for, and out again', async () => {
    await using page = await openBrowser(site.url);
    await page.goto('/?x=1');
    await page.getByLabel('Admin token').fill(ADMIN_TOKEN);
    await page.keyboard.press('Enter');
    await page.getByText('admin-1').waitFor();
    await page.waitForURL(`${site.url}/?x=1`);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({
      name: '__Host-draftdesk',
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
      path: '/',
    });
    await page.goto('/');
    await page.getByText('admin-1').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${site.url}/login`);
    await page.goto('/');
    await page.getByLabel('Admin token').waitFor();
    // the session is over, not only the cookie gone
    const answer = await fetch(site.url, { headers: { cookie: `${cookie?.name}=${cookie?.value}` } });
    expect(await answer.text()).toContain('data-signed-out');
  });

  test('a wrong token is told so', async () => {
    await using page = await openBrowser(site.url);
    await signIn(page, 'not-a-token');
    await page.getByRole('alert').getByText('This is none of the admin tokens.').waitFor();
    await expectAccessible(page, 'sign-in-wrong');
  });

  test('a link from elsewhere, which comes without the cookie, still ends on the page', async () => {
    await using page = await openConsole(site.url);
    await page.goto('about:blank');
    const first = page.waitForResponse(`${site.url}/settings`);
    await page.setContent(`<a href="${site.url}/settings">From a chat</a>`);
    await page.getByRole('link').click();
    expect(await (await first).request().allHeaders()).not.toHaveProperty('cookie');
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
  });

  test('who is signed out by a restart is asked to sign in, and comes back to the page', async () => {
    const own = await startVendors();
    const before = await startTestService(own.env);
    const { port } = new URL(before.service.url);
    await using page = await openConsole(before.service.url);
    await page.goto('/settings');
    await page.getByRole('cell', { name: 'admin-1', exact: true }).waitFor();
    await before[Symbol.asyncDispose]();
    const after = await startTestService({ ...own.env, PORT: port });
    await page.getByLabel('Admin token').fill(ADMIN_TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    await after[Symbol.asyncDispose]();
    await own[Symbol.asyncDispose]();
  });

  test('works without scripts', async () => {
    await using page = await openConsole(site.url, { scripts: false });
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('status').getByText('Paused.').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('status').getByText('Resumed.').waitFor();
    await page.reload();
    expect(await page.getByText('Resumed.').count()).toBe(0);
  });

  test('a viewer sees all, has no button, and is refused by the server', async () => {
    await using page = await openConsole(site.url, { token: VIEWER_TOKEN });
    expect(await page.getByRole('button').allTextContents()).toEqual(['Sign out']);
    const answer = await page.evaluate<{ status: number; text: string }>(
      `fetch('/pause', { method: 'POST', body: new URLSearchParams() }).then(async (answer) => ({ status: answer.status, text: await answer.text() }))`,
    );
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('You are signed in as a viewer');
    expect(site.running.service.control.progress().paused).toBe(false);
  });
});
