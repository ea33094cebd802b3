import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { type ApiDocument, responseOf } from '../../src/http/openapi.ts';
import { operationOf } from '../../src/http/operation.ts';
import { testApp } from './test-app.ts';

const { app } = testApp();
const document = (await (await app.request('/openapi.json')).json()) as ApiDocument;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
);

/** Pages for people and what these load: all that is neither API, webhook, health, metrics nor this description. */
const PAGES = /^\/(?!admin\b|webhooks\b|healthz|readyz|metrics|openapi|docs$)/;

describe('/openapi.json', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true });
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  it('describes every path and method that is registered', () => {
    const described = new Set(app.routes.filter(({ handler }) => operationOf(handler)).map(({ path }) => path));
    const missing = app.routes.filter(
      ({ method, path, handler }) =>
        !PAGES.test(path) &&
        !path.endsWith('/*') &&
        operationOf(handler) === undefined &&
        // what is left for other methods says 405
        !(method === 'ALL' && described.has(path)),
    );
    expect(missing.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    expect(operations.length).toBeGreaterThan(25);
  });

  it('wants a token for the admin API, the metrics and nothing else', () => {
    for (const { path, operation } of operations) {
      const wanted = path.startsWith('/admin/') || path === '/metrics' ? [{ adminToken: [] }] : [];
      expect([path, operation.security]).toEqual([path, wanted]);
    }
  });

  it('names each operation once', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has an example for every body, which fits its schema', () => {
    const ajv = new Ajv2020({ strict: false });
    formats.default(ajv);
    ajv.addSchema(document, 'api');
    const bodies = operations.flatMap(({ operation: { requestBody, responses } }) =>
      [requestBody, ...Object.values(responses).map((response) => responseOf(document, response))].flatMap((body) =>
        Object.values(body?.content ?? {}),
      ),
    );
    const names = new Set(bodies.flatMap(({ schema: { $ref } }) => ($ref === undefined ? [] : [$ref])));
    expect(names.size).toBeGreaterThan(15);
    for (const name of names) {
      const { examples } = document.components.schemas[name.split('/').at(-1) ?? ''] ?? {};
      expect([name, examples]).toEqual([name, expect.arrayContaining([expect.anything()])]);
      for (const example of examples as object[])
        expect([name, ajv.validate({ $ref: `api${name}` }, example), ajv.errors]).toEqual([name, true, null]);
    }
  });

  it('says of 503 and 429 when to come again', () => {
    const waits = operations.flatMap(({ operation: { responses } }) => [responses['503'], responses['429']]);
    const said = waits.filter((response) => response !== undefined);
    expect(said.length).toBeGreaterThan(20);
    for (const response of said) expect(responseOf(document, response).headers).toHaveProperty('Retry-After');
  });
});

describe('/docs', () => {
  it('shows every operation and object, runs nothing and loads its own style only', async () => {
    const response = await app.request('/docs');
    expect(response.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    const html = await response.text();
    for (const { operation } of operations) expect(html).toContain(`<h3 id="${operation.operationId}">`);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...html.matchAll(/(?:href|src|action)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.filter((link) => !link.startsWith('#'))).toEqual(['/docs.css', '/openapi.json']);
    expect(links.filter((link) => link.startsWith('#') && !ids.includes(link.slice(1)))).toEqual([]);
    expect(html).not.toMatch(/<script|style="|\[object Object\]|undefined/);
    expect((await app.request('/docs.css')).headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect((await app.request('/docs', { method: 'POST' })).status).toBe(405);
  });
});
