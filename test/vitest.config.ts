import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/console/unpack-browser.ts'],
    testTimeout: 20_000,
    maxWorkers: 2,
  },
});
