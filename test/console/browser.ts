import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium as playwright, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { sha256 } from '../../src/core/clock.ts';
import {
  ADMIN_TOKEN,
  PATIENT,
  type RunningService,
  startTestService,
  startVendors,
  type VendorOptions,
  type Vendors,
} from '../support/harness.ts';

/*
 * A real Chromium, from npm. Where it cannot start (no libnss3, another system), the tests say "skipped".
 * `CONSOLE_SCREENSHOTS=folder` keeps a picture of every page that `expectAccessible` sees.
 */

/** Of what the package proposes, nothing that weakens the browser's own rules, and not one process for all. */
const ARGS = ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'];

/** Null where Chromium cannot start here. */
export const browser: Browser | null = await start();

async function start(): Promise<Browser | null> {
  const executablePath = await chromium.executablePath();
  try {
    return await playwright.launch({ args: ARGS, executablePath });
  } catch (error) {
    process.stderr.write(`Chromium does not start here: ${String(error).split('\n', 1)[0]}\n`);
    return null;
  }
}

/** Of a test, on a machine that has other things to do. */
export const SLOW = { timeout: 90_000 } as const;

export const WIDTHS = { desktop: 1280, phone: 360 } as const;

/** Of one who may look at everything, and change nothing. */
export const VIEWER_TOKEN = 'a-viewer-token-of-more-than-32-characters';

/** A service with its vendors, whose console is looked at. */
export interface ConsoleSite extends AsyncDisposable {
  readonly vendors: Vendors;
  readonly running: RunningService;
  readonly url: string;
  /** A ticket at Zendesk; answers its id. */
  addTicket(subject: string): string;
}

export interface SiteOptions extends VendorOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** False: Zendesk tells nothing of its tickets. */
  readonly webhooks?: boolean;
}

/** Where `ADMIN_TOKEN` is an operator's and `VIEWER_TOKEN` a viewer's. */
export async function startConsole({ env = {}, webhooks = true, ...options }: SiteOptions = {}): Promise<ConsoleSite> {
  const vendors = await startVendors(options);
  const tokens = join(vendors.folder, 'tokens');
  writeFileSync(tokens, `vera viewer sha256:${sha256(VIEWER_TOKEN)}\n`, { mode: 0o600 });
  const running = await startTestService({ ...vendors.env, ...PATIENT, ADMIN_TOKENS_FILE: tokens, ...env });
  const { url } = running.service;
  if (webhooks) vendors.zendesk.connect({ url: `${url}/webhooks/zendesk`, fetch });
  return {
    vendors,
    running,
    url,
    addTicket: (subject) => vendors.zendesk.addTicket({ subject, html: '<p>It has not arrived. Where is it?</p>' }),
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      await vendors[Symbol.asyncDispose]();
    },
  };
}

export interface ConsoleOptions {
  /** Whose; an operator's unless told. */
  readonly token?: string;
  readonly width?: number;
  readonly scripts?: boolean;
}

/** A browser of its own, with nobody signed in. Pages must load nothing from elsewhere and break no rule of their CSP. */
export async function openBrowser(
  url: string,
  { width = WIDTHS.desktop, scripts = true }: Omit<ConsoleOptions, 'token'> = {},
): Promise<Page & AsyncDisposable> {
  if (browser === null) throw new Error('no browser');
  const context: BrowserContext = await browser.newContext({
    baseURL: url,
    viewport: { width, height: 900 },
    javaScriptEnabled: scripts,
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return Object.assign(page, {
    [Symbol.asyncDispose]: async () => {
      await context.close();
      expect({ foreign, complaints }).toEqual({ foreign: [], complaints: [] });
    },
  });
}

/** The same, signed in and on the overview. */
export async function openConsole(
  url: string,
  { token = ADMIN_TOKEN, ...options }: ConsoleOptions = {},
): Promise<Page & AsyncDisposable> {
  const page = await openBrowser(url, options);
  await signIn(page, token);
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  return page;
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.goto('/');
  await page.getByLabel('Admin token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
}

/**
 * axe finds nothing, light and dark, and nothing sticks out at the side of a phone. `name` is that of the picture.
 * Axe takes a second a look: each scheme and each width is looked at once.
 */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  for (const [colorScheme, kind] of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: WIDTHS[kind], height: 900 });
    await keepPicture(page, `${name}-${kind}-${colorScheme}`);
    expect({ name, colorScheme, kind, violations: await violationsOf(page) }).toMatchObject({ violations: [] });
    const overhang = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect({ name, kind, overhang: Math.max(0, overhang) }).toEqual({ name, kind, overhang: 0 });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: WIDTHS.desktop, height: 900 });
}

const LOOKS = [
  ['light', 'desktop'],
  ['dark', 'phone'],
] as const;

/** By the debugger's way in, which no CSP of the page stands before. */
async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(`(() => { ${axe.source} })()`);
  const violations = await page.evaluate<readonly Violation[]>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => violations)`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`),
  );
}

async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env['CONSOLE_SCREENSHOTS'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
