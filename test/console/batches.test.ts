import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { browser, type ConsoleSite, expectAccessible, openConsole, type SiteOptions, startConsole } from './browser.ts';

describe.skipIf(browser === null)('batches in the console', { timeout: 60_000 }, () => {
  let site: ConsoleSite;

  const begin = async (options: SiteOptions = {}): Promise<void> => {
    site = await startConsole({ webhooks: false, ...options });
  };
  afterEach(() => site[Symbol.asyncDispose]());

  const tickets = (count: number, tags: readonly string[] = []): string[] =>
    Array.from({ length: count }, (_, n) =>
      site.vendors.zendesk.addTicket({ subject: `Question ${n}`, html: `<p>Where is my order ${n}?</p>`, tags }),
    );
  const startByApi = async (body: object): Promise<string> => {
    const answer = await site.running.admin.post<{ id: string }>('/admin/batches', { helpdesk: 'zendesk', ...body });
    expect(answer.status).toBe(202);
    return answer.body.id;
  };

  describe('starting one', () => {
    beforeEach(() => begin());

    test('shows what it takes before the button works, again when the form changes, and then its end', async () => {
      const ids = tickets(30);
      await using page = await openConsole(site.url);
      await page.getByRole('link', { name: 'Batches' }).click();
      await page.getByText('No batch has been started yet.').waitFor();
      await expectAccessible(page, 'batches-empty');
      await page.getByRole('link', { name: 'Start a batch' }).click();
      const start = page.locator('#estimate button');
      expect(await start.isDisabled()).toBe(true);
      await expectAccessible(page, 'batch-new');

      await page.getByLabel('Ticket ids').fill(`#${ids.slice(0, 20).join('; ')}`);
      await page.getByLabel('Name (optional)').focus();
      await page.getByRole('button', { name: 'Start with 20 tickets' }).waitFor();
      expect(await page.locator('#estimate').innerText()).toMatch(/about \$0\.\d{4}/);
      await page.getByLabel('Ticket ids').fill(ids.join('\n'));
      expect(await start.isDisabled()).toBe(true);
      await page.getByLabel('Name (optional)').fill('The back-log');
      await page.getByRole('button', { name: 'Start with 30 tickets' }).waitFor();
      await expectAccessible(page, 'batch-estimate');
      await start.click();

      await page.getByRole('status').getByText('Started with 30 tickets.').waitFor();
      await page.getByRole('heading', { level: 1, name: 'The back-log' }).waitFor();
      await page.getByRole('heading', { name: 'completed 30 of 30 tickets' }).waitFor();
      await expectAccessible(page, 'batch-completed');
      const results = await page.evaluate<string>(
        `fetch(document.querySelector('a[download]').href).then((answer) => answer.text())`,
      );
      expect(results.trim().split('\n')).toHaveLength(30);
      await page.getByRole('link', { name: '30 posted' }).click();
      await page.getByRole('cell', { name: 'Question 29' }).waitFor();
      await page.goto('/batches');
      await page.getByText('30 of 30 tickets').waitFor();
      await expectAccessible(page, 'batches');
    });

    test('takes a file of ids', async () => {
      const ids = tickets(5);
      const file = join(site.vendors.folder, 'ids.csv');
      writeFileSync(file, ids.map((id) => `"${id}"`).join(','));
      await using page = await openConsole(site.url);
      await page.goto('/batches/new');
      await page.getByLabel('… or from a file').setInputFiles(file);
      await page.getByRole('button', { name: 'Start with 5 tickets' }).click();
      await page.getByRole('heading', { name: 'completed 5 of 5 tickets' }).waitFor();
    });

    test('says what is wrong beside the field', async () => {
      await using page = await openConsole(site.url);
      await page.goto('/batches/new');
      await page.getByLabel('Ticket ids').fill('5158, refund, 5159');
      await page.getByLabel('Canary: a few').check();
      await page.getByLabel('Tickets of the canary').fill('0');
      await page.getByRole('button', { name: 'Estimate' }).click();
      const alert = page.getByRole('alert');
      await alert.getByText('holds what is no id: refund').waitFor();
      await alert.getByText('must be 1 or more').waitFor();
      expect(await page.locator('#estimate button').isDisabled()).toBe(true);
      const ids = page.getByLabel('Ticket ids');
      await page.locator('#ids-wrong').getByText('It holds what is no id: refund.').waitFor();
      expect(await ids.getAttribute('aria-invalid')).toBe('true');
      await expectAccessible(page, 'batch-wrong');
      await ids.fill('5158');
      await page.getByLabel('Tickets of the canary').fill('1');
      await page.getByRole('button', { name: 'Estimate' }).click();
      await page.getByRole('button', { name: 'Start with 1 ticket' }).waitFor();
      expect(await ids.getAttribute('aria-invalid')).toBeNull();
    });

    test('works without scripts, by filter, and starts nothing that was not estimated as it is', async () => {
      tickets(4, ['billing']);
      tickets(3, ['shipping']);
      await using page = await openConsole(site.url, { scripts: false });
      await page.goto('/batches/new');
      await page.getByLabel('All that fit a filter').check();
      await page.getByLabel('Tags').fill('billing');
      await page.getByLabel('Hold the drafts until they are released').check();
      await page.getByRole('button', { name: 'Estimate' }).click();
      await page.getByRole('button', { name: 'Start with 4 tickets' }).waitFor();
      await page.getByLabel('Tags').fill('shipping');
      await page.getByRole('button', { name: 'Start with 4 tickets' }).click();
      await page.getByText('The form has changed since the last estimate.').waitFor();
      expect(site.running.service.control.progress().total).toBe(0);
      await page.getByRole('button', { name: 'Start with 3 tickets' }).click();
      await page.getByRole('status').getByText('Started with 3 tickets.').waitFor();
      await site.running.admin.until(({ drafted }) => drafted === 3);
      await page.reload();
      await page.getByText('tagged shipping').waitFor();
      await page.getByLabel('From a confidence of (%)').fill('0');
      await page.getByRole('button', { name: 'Release' }).click();
      await page.getByText('The held drafts go to the helpdesk as private notes.').waitFor();
      await site.running.admin.until(({ posted }) => posted === 3);
    });
  });

  test('one that runs is watched, paused, resumed and cancelled', async () => {
    await begin({ latencyMs: 300, env: { WORKER_CONCURRENCY: '2' } });
    const id = await startByApi({ ticketIds: tickets(200) });
    await using page = await openConsole(site.url);
    await page.goto(`/batches/${id}`);
    await page.getByRole('heading', { name: /running [1-9]\d* of 200 tickets/ }).waitFor();
    await expectAccessible(page, 'batch-running');
    await page.getByRole('button', { name: 'Pause this batch' }).click();
    await page.getByRole('heading', { name: /paused \d+ of 200/ }).waitFor();
    await page.getByText('by an operator').waitFor();
    await page.getByRole('button', { name: 'Resume this batch' }).click();
    await page.getByRole('heading', { name: /running \d+ of 200/ }).waitFor();
    page.once('dialog', (dialog) => void dialog.dismiss());
    await page.getByRole('button', { name: 'Cancel this batch' }).click();
    expect(site.running.service.control.batchProgress(id)?.state).toBe('running');
    page.once('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'Cancel this batch' }).click();
    await page.getByRole('heading', { name: /cancelled 200 of 200/ }).waitFor();
    expect(await page.getByRole('button', { name: 'Cancel this batch' }).count()).toBe(0);
    await expectAccessible(page, 'batch-cancelled');
  });

  test('a canary that fails stops it, and its dead tickets are retried by class', async () => {
    await begin({ env: { MAX_ATTEMPTS: '1' } });
    for (let n = 0; n < 3; n += 1)
      site.vendors.llm.faults.failNext('malformed_json', ({ method }) => method === 'POST');
    const id = await startByApi({ ticketIds: tickets(60), canary: { size: 5, maxErrorRate: 0.2 } });
    await using page = await openConsole(site.url);
    await page.goto(`/batches/${id}`);
    await page.getByText(/Stopped: \d of the first 5 through, [23] failed; at most 20 % may fail/).waitFor();
    await expectAccessible(page, 'batch-canary');
    await page.getByRole('button', { name: 'Retry the dead tickets of class invalid_output' }).click();
    await page.getByText('They are back in the queue.').waitFor();
    const resume = page.getByRole('button', { name: 'Resume this batch' });
    if ((await resume.count()) > 0) await resume.click();
    await page.getByRole('heading', { name: 'completed 60 of 60 tickets' }).waitFor();
  });

  test('two who press at once: the second is told why not', async () => {
    await begin();
    const id = await startByApi({ ticketIds: tickets(2) });
    await site.running.admin.until(({ posted }) => posted === 2);
    await using page = await openConsole(site.url);
    await page.goto(`/batches/${id}`);
    const answer = await page.evaluate<{ status: number; text: string }>(
      `fetch('/batches/${id}/pause', { method: 'POST', body: new URLSearchParams() }).then(async (answer) => ({ status: answer.status, text: await answer.text() }))`,
    );
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('The batch is completed: pause is not possible.');
  });
});
