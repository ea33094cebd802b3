import { afterEach, describe, expect, test } from 'vitest';
import { browser, type ConsoleSite, expectAccessible, openConsole, startConsole, VIEWER_TOKEN } from './browser.ts';

/** A script, an override that would turn the line around, a zero width space and a bell. */
const HOSTILE = '<script>document.title="owned"</script> \u202Egro.tseuqer\u200B\u0007 <img src=x onerror=alert(1)>';

/** The service's own look at its credentials is no draft. */
const drafts = ({ method }: { readonly method: string }): boolean => method === 'POST';

describe.skipIf(browser === null)('tickets in the console', { timeout: 60_000 }, () => {
  let site: ConsoleSite;

  const begin = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
    site = await startConsole({ env });
  };
  afterEach(() => site[Symbol.asyncDispose]());

  test('a list that is empty says what to do, and grows by itself', async () => {
    await begin();
    await using page = await openConsole(site.url);
    await page.getByRole('link', { name: 'Tickets', exact: true }).click();
    await page.getByText('No ticket has come yet.').waitFor();
    await expectAccessible(page, 'tickets-empty');
    site.addTicket('Where is my order?');
    await page.getByRole('cell', { name: 'Where is my order?' }).waitFor();
  });

  test('a ticket is found by its id, and by words of its subject', async () => {
    await begin();
    const ids = Array.from({ length: 60 }, (_, n) => site.addTicket(`Question ${n}`));
    await site.running.admin.until(({ posted }) => posted === 60);
    await using page = await openConsole(site.url);
    await page.goto('/tickets');
    await expectAccessible(page, 'tickets');
    expect(await page.locator('tbody tr').count()).toBe(50);
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByText('That is all.').waitFor();
    expect(await page.locator('tbody tr').count()).toBe(10);

    const wanted = ids[42] ?? '';
    const box = page.getByRole('searchbox', { name: 'Id or words of the subject' });
    await box.fill(`#${wanted}`);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: wanted, exact: true }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(1);
    await page.getByLabel('Status', { exact: true }).selectOption('dead');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('No ticket fits.').waitFor();
    await expectAccessible(page, 'tickets-none');
    await page.getByLabel('Status', { exact: true }).selectOption('any');
    await box.fill('QUESTION 5');
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'Question 59' }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(15);
  });

  test('its story is told from the webhook to the note, with the draft as the agent has it', async () => {
    await begin();
    site.vendors.llm.faults.failNext('server_error', drafts);
    const id = site.addTicket('Where is my order?');
    await site.running.admin.until(({ posted }) => posted === 1);
    site.vendors.zendesk.customerReply(
      id,
      '<p>I have found it, thank you. But the invoice is wrong: it says 40 dollars.</p>',
    );
    await expect.poll(() => site.vendors.zendesk.notes(id).length).toBe(2);
    await site.running.admin.until(({ posted }) => posted === 1);
    await using page = await openConsole(site.url);
    await page.goto(`/tickets/zendesk/${id}`);
    for (const text of ['Webhook received', 'Draft, try 1: failed', 'Draft stored, version 1', 'Note, try 1: ok'])
      await page.locator('.timeline').getByText(text).first().waitFor();
    expect(await page.locator('.timeline').count()).toBe(2);
    expect(await page.locator('.timeline').last().innerText()).toMatch(
      /LLM call: [\d,]+ tokens in, [\d,]+ out, \$0\.\d{5}/,
    );
    const stored = site.vendors.zendesk.notes(id).at(-1)?.text ?? '';
    const seen = await page.locator('.note').innerText();
    expect(words(seen)).toBe(words(stored));
    await page.getByText('Version 1 to 2').click();
    expect(await page.locator('.diff ins').count()).toBeGreaterThan(0);
    expect(await page.getByRole('link', { name: 'Open at zendesk' }).getAttribute('href')).toBe(
      `${site.vendors.env['ZENDESK_BASE_URL']}/agent/tickets/${id}`,
    );
    await expectAccessible(page, 'ticket');
  });

  test('a dead one is sent back, and a second press is told why not', async () => {
    await begin({ MAX_ATTEMPTS: '1' });
    site.vendors.llm.faults.failNext('malformed_json', drafts);
    const id = site.addTicket('Where is my order?');
    await site.running.admin.until(({ dead }) => dead === 1);
    await using page = await openConsole(site.url);
    await page.goto(`/tickets/zendesk/${id}`);
    await page.getByText('invalid_output').first().waitFor();
    await expectAccessible(page, 'ticket-dead');
    await using other = await openConsole(site.url, { scripts: false });
    await other.goto(`/tickets/zendesk/${id}`);
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('It is back in the queue.').waitFor();
    await page.getByText('Ended: posted').waitFor();
    await other.getByRole('button', { name: 'Retry' }).click();
    await other
      .getByRole('alert')
      .getByText('Only a dead, cancelled or skipped ticket can be retried; this one is posted.')
      .waitFor();
  });

  test('a viewer sees it all, has no button, and is refused by the server', async () => {
    await begin({ MAX_ATTEMPTS: '1' });
    site.vendors.llm.faults.failNext('malformed_json', drafts);
    const id = site.addTicket('Where is my order?');
    await site.running.admin.until(({ dead }) => dead === 1);
    await using page = await openConsole(site.url, { token: VIEWER_TOKEN });
    await page.goto(`/tickets/zendesk/${id}`);
    expect(await page.getByRole('button').allTextContents()).toEqual(['Sign out']);
    const refused = async (path: string): Promise<number> =>
      page.evaluate<number>(
        `fetch('${path}', { method: 'POST', body: new URLSearchParams() }).then((answer) => answer.status)`,
      );
    const paths = [`/tickets/zendesk/${id}/retry`, `/tickets/zendesk/${id}/post`, '/batches', '/batches/estimate'];
    for (const path of paths) expect({ path, status: await refused(path) }).toEqual({ path, status: 403 });
    expect(await site.running.admin.statuses()).toMatchObject({ dead: 1 });
  });

  test('what a stranger writes is shown as text and turns nothing around', async () => {
    await begin();
    const id = site.addTicket(HOSTILE);
    await site.running.admin.until(({ posted }) => posted === 1);
    await using page = await openConsole(site.url);
    for (const path of ['/tickets', `/tickets/zendesk/${id}`]) {
      await page.goto(path);
      await page
        .getByText('<script>document.title="owned"</script> gro.tseuqer <img src=x onerror=alert(1)>')
        .waitFor();
      expect(await page.title()).not.toBe('owned');
      const content = await page.content();
      for (const hidden of ['\u202E', '\u200B', '\u0007']) expect(content).not.toContain(hidden);
      expect(await page.locator('main script, main img').count()).toBe(0);
    }
  });
});

function words(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
