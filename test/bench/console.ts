import { systemClock, uuidv7 } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { openOutbox } from '../../src/sqlite/outbox.ts';
import { makeBatch, makeEvent, TRACEPARENT } from '../support/factories.ts';
import { migrationsFolder } from '../support/paths.ts';
import type { Figure } from './index.ts';
import { ADMIN_TOKEN, startBenchService, UNUSED_UPSTREAMS } from './service.ts';

const TICKETS = 100_000;
/** Of them in one batch: as many as it may have. */
const BATCH = 10_000;
const ROUNDS = 21;

/** How long pages of the console take beside many tickets, a fifth of them dead. */
export async function benchConsole(path: string): Promise<Figure[]> {
  await seed(path);
  const service = await startBenchService({ ...UNUSED_UPSTREAMS, DATABASE_URL: `file:${path}` });
  try {
    const cookie = await signIn(service.url);
    const figures: Figure[] = [];
    for (const page of ['/', '/dead-letters', '/dead-letters?class=timeout', '/settings']) {
      figures.push(await measure(page, page, service.url, cookie));
    }
    const batch = await firstBatch(service.url, cookie);
    for (const [what, page] of [
      ['/tickets', '/tickets'],
      ['/tickets?q=5', '/tickets?q=5'],
      ['/tickets?q=54321', '/tickets?q=54321'],
      ['/tickets?q=1&status=cancelled (none)', '/tickets?q=1&status=cancelled'],
      ['/tickets?q=REFUND (a tenth of them)', '/tickets?q=REFUND'],
      ['/tickets?q=canary (in the subject of none)', '/tickets?q=canary'],
      ['/tickets?q=refund&status=cancelled (none)', '/tickets?q=refund&status=cancelled'],
      ['/tickets?q=for&status=skipped&batch=… (one word of all)', `/tickets?q=for&status=skipped&batch=${batch}`],
      ['/tickets?batch=…&status=skipped', `/tickets?batch=${batch}&status=skipped`],
      ['/tickets/zendesk/54321', '/tickets/zendesk/54321'],
      ['/batches', '/batches'],
      [`/batches/… of ${BATCH.toLocaleString('en')}`, `/batches/${batch}`],
    ] as const) {
      figures.push(await measure(what, page, service.url, cookie));
    }
    const far = await nextPages('/tickets', 20, service.url, cookie);
    figures.push(await measure('/tickets, 20 pages on', far, service.url, cookie));
    const deep = await nextPages('/dead-letters', 20, service.url, cookie);
    figures.push(await measure('/dead-letters, 20 pages on', deep, service.url, cookie));
    return figures;
  } finally {
    await service.stop();
  }
}

async function seed(path: string): Promise<void> {
  const clock = systemClock();
  const connection = openDatabase({ path, migrationsFolder });
  const outbox = openOutbox(connection, { clock, newId: uuidv7(clock), owner: 'bench', maxPending: TICKETS });
  await Promise.all(
    Array.from({ length: TICKETS - BATCH }, (_, index) =>
      outbox.ingest({ helpdesk: 'zendesk', event: makeEvent(String(index + 1)), traceparent: TRACEPARENT }),
    ),
  );
  const rest = Array.from({ length: BATCH }, (_, index) => String(TICKETS - BATCH + index + 1));
  await outbox.createBatch(makeBatch(rest));
  connection.exec(`UPDATE job SET due_at = NULL, status = CASE ticket % 5 WHEN 0 THEN 'dead' WHEN 1 THEN 'skipped' ELSE 'posted' END,
    error_class = CASE ticket % 5 WHEN 0 THEN CASE ticket % 3 WHEN 0 THEN 'timeout' WHEN 1 THEN 'forbidden' ELSE 'server_error' END END`);
  connection.exec(`UPDATE ticket SET subject = CASE id % 10 WHEN 0 THEN 'Refund' ELSE 'Where is my parcel' END
    || ' for order ' || (700000 + id) || ', ordered last week and not yet here'`);
  await outbox.setPause({ scope: 'all', reason: 'bench', errorClass: null, since: clock.now() });
  connection.close();
}

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: url },
    body: new URLSearchParams({ token: ADMIN_TOKEN }),
  });
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

async function firstBatch(url: string, cookie: string): Promise<string> {
  const html = await (await fetch(`${url}/batches`, { headers: { cookie } })).text();
  return /href="\/batches\/([\w-]{36})"/.exec(html)?.[1] ?? '';
}

async function nextPages(first: string, pages: number, url: string, cookie: string): Promise<string> {
  let page = first;
  for (let n = 0; n < pages; n += 1) {
    const html = await (await fetch(url + page, { headers: { cookie } })).text();
    page = /rel="next" href="([^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    if (page === '') throw new Error('there is no next page');
  }
  return page;
}

async function measure(what: string, page: string, url: string, cookie: string): Promise<Figure> {
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = performance.now();
    const response = await fetch(url + page, { headers: { cookie } });
    const html = await response.text();
    times.push(performance.now() - from);
    bytes = html.length;
    if (response.status !== 200 || html.includes('data-signed-out')) throw new Error(`${page} is ${response.status}`);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(ROUNDS / 2)] ?? 0;
  return {
    what: `console ${what}, ${TICKETS.toLocaleString('en')} tickets`,
    value: `${median.toFixed(1)} ms, slowest ${(sorted.at(-1) ?? 0).toFixed(1)} ms, ${Math.round(bytes / 1000)} kB`,
    aim: '≤ 100 ms',
  };
}
