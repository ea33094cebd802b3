import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ADVICE } from '../../src/core/advice.ts';
import { ADMIN_TOKEN } from '../support/harness.ts';
import { browser, type ConsoleSite, expectAccessible, openConsole, SLOW, startConsole } from './browser.ts';

describe.skipIf(browser === null)('pages of the console', SLOW, () => {
  let site: ConsoleSite;

  beforeEach(async () => {
    site = await startConsole({ env: { MAX_ATTEMPTS: '1', LLM_DAILY_BUDGET_USD: '5' } });
  });
  afterEach(() => site[Symbol.asyncDispose]());

  /** Tickets whose only try fails: one of each class. */
  const addDeadOnes = async (): Promise<readonly string[]> => {
    const ids: string[] = [];
    for (const status of [500, 403]) {
      site.vendors.zendesk.faults.failNext(
        { status },
        ({ method, path }) => method === 'GET' && path.includes('/tickets'),
      );
      ids.push(site.addTicket(`A ticket for ${status}`));
      await site.running.admin.until(({ dead }) => dead === ids.length);
    }
    return ids;
  };

  test('the overview begins with what to do, and its counts move by themselves', async () => {
    await using page = await openConsole(site.url);
    await page.getByRole('heading', { name: 'No ticket has come yet' }).waitFor();
    await expectAccessible(page, 'overview-empty');
    const posted = page.locator('.figures > div', { hasText: 'Notes posted' }).locator('dd');
    expect(await posted.innerText()).toContain('0');
    for (let n = 1; n <= 3; n += 1) site.addTicket(`Where is order ${n}?`);
    await posted.filter({ hasText: /^3/ }).waitFor();
    expect(await page.getByRole('heading', { name: 'No ticket has come yet' }).count()).toBe(0);
    await page.locator('#throughput-table summary').click();
    await page.getByText('3 tickets').waitFor();
    site.addTicket('And a fourth');
    await posted.filter({ hasText: /^4/ }).waitFor();
    // what the reader has opened stays open
    await page.getByText('4 tickets').waitFor();
    await expectAccessible(page, 'overview');
  });

  test('pausing and resuming is seen at once, by others too', async () => {
    await using page = await openConsole(site.url);
    await using other = await openConsole(site.url);
    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('status').getByText('Paused.').waitFor();
    await other.getByText('No new work is taken').waitFor();
    await expectAccessible(page, 'paused');
    await other.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('workers busy').waitFor();
    expect(site.running.service.control.progress().paused).toBe(false);
  });

  test('dead letters are grouped, each with advice, and are retried one by one or all', async () => {
    await using page = await openConsole(site.url);
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByText('No ticket is dead.').waitFor();
    await expectAccessible(page, 'dead-letters-empty');
    const [first] = await addDeadOnes();
    await page.getByRole('heading', { name: 'forbidden 1 ticket' }).waitFor();
    await page.getByText(ADVICE.server_error).waitFor();
    await expectAccessible(page, 'dead-letters');

    await page.getByRole('button', { name: `Retry ticket ${first}` }).click();
    await page.getByRole('status').getByText(`Ticket ${first} sent back to the queue.`).waitFor();
    await site.running.admin.until(({ posted }) => posted === 1);
    await page.getByText('1 ticket in 1 class').waitFor();

    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByRole('link', { name: '1 ticket', exact: true }).click();
    await page.getByRole('heading', { name: 'Died of forbidden' }).waitFor();
    await page.getByRole('button', { name: 'Retry these' }).click();
    await page.getByRole('status').getByText('1 ticket sent back to the queue.').waitFor();
    await page.getByText('No ticket is dead.').waitFor();
    await site.running.admin.until(({ posted }) => posted === 2);
    const { items } = await site.running.admin.get<{
      items: { action: string; subject: string | null; outcome: string }[];
    }>('/admin/audit?limit=2');
    expect(items).toMatchObject([
      { action: 'POST /dead-letters/retry', subject: null, outcome: 'ok' },
      { action: 'POST /dead-letters/:helpdesk/:ticketId/retry', subject: `zendesk/${first}`, outcome: 'ok' },
    ]);
  });

  test('the settings show what works and what is set, and no secret', async () => {
    await using page = await openConsole(site.url);
    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    await page.getByRole('cell', { name: 'zendesk', exact: true }).waitFor();
    await page.getByRole('cell', { name: 'set (…rs)', exact: true }).waitFor();
    await page.getByRole('cell', { name: 'admin-1', exact: true }).waitFor();
    await page.getByRole('cell', { name: 'login' }).waitFor();
    const screen = page.getByRole('link', { name: 'Admin screens of zendesk' });
    expect(await screen.getAttribute('href')).toBe(`${site.vendors.env['ZENDESK_BASE_URL']}/admin/home`);
    const html = await page.content();
    const secrets = [
      ADMIN_TOKEN,
      site.vendors.llm.apiKey,
      site.vendors.zendesk.webhookSecret,
      site.vendors.freshdesk.apiKey,
    ];
    expect(secrets.filter((secret) => html.includes(secret))).toEqual([]);
    await expectAccessible(page, 'settings');
  });

  test('a page that is not there says so, and goes on from there', async () => {
    await using page = await openConsole(site.url);
    const answer = await page.goto('/nothing-here');
    expect(answer?.status()).toBe(404);
    await expectAccessible(page, 'not-found');
    await page.getByRole('link', { name: 'To the overview' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  });
});
