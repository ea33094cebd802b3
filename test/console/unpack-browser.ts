import chromium from '@sparticuz/chromium';

/** Once, before the workers start: two that unpack it at the same time would run half a program. */
export default async function unpackBrowser(): Promise<void> {
  await chromium.executablePath().catch(() => undefined);
}
