import { expect, test } from 'vitest';
import { AUTHORIZED, testApp, VIEWER_TOKEN } from './test-app.ts';

const PATH = '/metrics';

test('Prometheus text for every admin token, a viewer included', async () => {
  const { app } = testApp();
  for (const headers of [AUTHORIZED, { authorization: `Bearer ${VIEWER_TOKEN}` }]) {
    const response = await app.request(PATH, { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).toBe('draftdesk_tickets_total 1\n');
  }
});

test('nothing without a token, or with a wrong one', async () => {
  const { app } = testApp();
  for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
    const response = await app.request(PATH, { headers });
    expect(response.status).toBe(401);
    expect(await response.text()).not.toContain('draftdesk_tickets');
  }
});

test('for everybody where that is switched on', async () => {
  const { app } = testApp({ publicMetrics: true });
  expect((await app.request(PATH)).status).toBe(200);
  expect((await app.request('/admin/progress')).status).toBe(401);
});

test.each([true, false])('only to be read (public: %s)', async (publicMetrics) => {
  const { app } = testApp({ publicMetrics });
  const response = await app.request(PATH, { method: 'POST', headers: AUTHORIZED });
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toContain('GET');
});
