/* What is marked `data-live` is replaced by the server's newest rendering while work moves. */

/** Not more often than this, ms; and of a service that has much to do, a tenth of the time at most. */
const PAUSE_MS = 1_000;
const PATIENCE = 9;
/** So often also while nothing moves: "3 min ago" grows older. */
const IDLE_MS = 20_000;
const RETRY_MS = 5_000;

const source = document.body.dataset['liveSource'];
let wanted = false;
let busy = false;

async function refresh(): Promise<void> {
  const response = await fetch(location.href, { headers: { 'draftdesk-live': '1' } });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  // signed out meanwhile, or the service is another version: the whole page
  if (fresh.body.dataset['liveSource'] === undefined || scriptOf(fresh) !== scriptOf(document))
    return location.reload();
  for (const part of document.querySelectorAll<HTMLElement>('[data-live]')) {
    const newer = fresh.getElementById(part.id);
    if (newer !== null) replace(part, newer);
  }
}

function scriptOf(page: Document): string | null {
  return page.querySelector('script')?.getAttribute('src') ?? null;
}

function replace(part: HTMLElement, newer: HTMLElement): void {
  for (const { id } of part.querySelectorAll('details[open][id]'))
    newer.querySelector(`#${CSS.escape(id)}`)?.setAttribute('open', '');
  if (part.innerHTML === newer.innerHTML || part.querySelector('form[data-sent]') !== null) return;
  const focus = part.contains(document.activeElement) ? positionOf(part) : -1;
  part.replaceChildren(...newer.childNodes);
  if (focus >= 0) focusable(part)[focus]?.focus();
}

function focusable(part: HTMLElement): HTMLElement[] {
  return [...part.querySelectorAll<HTMLElement>('a[href], button, summary, input, select, textarea')];
}

function positionOf(part: HTMLElement): number {
  return focusable(part).findIndex((element) => element === document.activeElement);
}

/** One look at a time, and a pause after it; what comes meanwhile is one look more. */
async function look(): Promise<void> {
  wanted = true;
  if (busy || document.hidden) return;
  busy = true;
  wanted = false;
  const from = performance.now();
  await refresh().catch(() => undefined);
  setTimeout(
    () => {
      busy = false;
      if (wanted) void look();
    },
    Math.max(PAUSE_MS, PATIENCE * (performance.now() - from)),
  );
}

function listen(url: string): void {
  const events = new EventSource(url);
  events.addEventListener('moved', () => void look());
  events.addEventListener('error', () => {
    // by itself a browser comes again only where the connection broke, not where it was refused
    if (events.readyState !== EventSource.CLOSED) return;
    setTimeout(() => {
      void look();
      listen(url);
    }, RETRY_MS);
  });
}

if (source !== undefined && document.querySelector('[data-live]') !== null) {
  listen(source);
  setInterval(() => void look(), IDLE_MS);
  document.addEventListener('visibilitychange', () => void look());
}
