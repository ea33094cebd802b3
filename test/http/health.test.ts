import { expect, test } from 'vitest';
import { json, testApp } from './test-app.ts';

test('the process is up', async () => {
  const response = await testApp().app.request('/healthz');
  expect(response.status).toBe(200);
  expect(await response.text()).toBe('{"status":"ok"}');
});

test('ready', async () => {
  const response = await testApp().app.request('/readyz');
  expect(response.status).toBe(200);
  expect(await json(response)).toEqual({ status: 'ok', checks: { database: 'ok', workers: 'ok' } });
});

test('not ready is 503 with the checks', async () => {
  const { app, control } = testApp();
  control.ready = { ready: false, checks: { database: 'cannot be written' } };
  const response = await app.request('/readyz');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).not.toBeNull();
  expect(await json(response)).toMatchObject({ status: 503, checks: { database: 'cannot be written' } });
});

test('checks that fail themselves are 503, not 500', async () => {
  const { app, control } = testApp();
  control.readiness = () => Promise.reject(new Error('secret'));
  const response = await app.request('/readyz');
  expect(response.status).toBe(503);
  expect(await response.text()).not.toContain('secret');
});

test('a crowd that asks costs one check a second', async () => {
  const { app, control, clock } = testApp();
  await Promise.all(Array.from({ length: 20 }, async () => app.request('/readyz')));
  expect(control.calls).toEqual(['readiness']);
  await clock.advance(1000);
  control.ready = { ready: false, checks: {} };
  expect((await app.request('/readyz')).status).toBe(503);
});
