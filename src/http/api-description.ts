import type { Hono } from 'hono';
import { docsPage } from './docs.tsx';
import { DOCS_STYLE } from './docs-style.ts';
import { describeApi } from './openapi.ts';
import { described } from './operation.ts';
import { methodNotAllowed } from './problem.ts';
import { textResponse } from './responses.ts';
import { descriptionApi } from './service-api.ts';

const STYLE_PATH = '/docs.css';

/** Of reliability.md D6 what this page needs: it runs nothing and sends nothing. */
const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

/** `/openapi.json` and `/docs` of all that is registered at the app, once somebody asks. No secret is in them: public. */
export function addApiDescription(app: Hono): void {
  const text = once(() => JSON.stringify(describeApi(app)));
  const page = once(() => docsPage(describeApi(app), STYLE_PATH));
  const json = described(descriptionApi.json, () => textResponse(text(), 'application/json'));
  const html = described(descriptionApi.page, async () =>
    textResponse(await page(), 'text/html; charset=utf-8', PAGE_HEADERS),
  );
  const style = (): Response => textResponse(DOCS_STYLE, 'text/css; charset=utf-8');
  for (const [path, handler] of [
    ['/openapi.json', json],
    ['/docs', html],
    [STYLE_PATH, style],
  ] as const)
    app.get(path, handler).all(path, () => methodNotAllowed(['GET']));
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
