import { createAdaptorServer } from '@hono/node-server';
import { answerClientErrors } from '../../src/http/client-errors.ts';
import type { TestApp } from './test-app.ts';

/** The app on a socket, with the server's timeouts of main.ts in small. */
export async function serveApp({
  app,
}: TestApp): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { requestTimeout: 800, headersTimeout: 600, connectionsCheckingInterval: 50 },
  });
  answerClientErrors(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}
