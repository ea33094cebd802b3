import type { EventEmitter } from 'node:events';

/** Of a socket, as far as it is looked at here. */
interface BrokenSocket {
  readonly writable: boolean;
  write(text: string): unknown;
  destroy(error?: Error): unknown;
  /** Undocumented, and what Node itself asks: the answer under way. */
  readonly _httpMessage?: { readonly headersSent: boolean } | null;
}

/** By the code of the error; what is not here is 400. As Node's own (lib/_http_server.js, `socketOnError`). */
const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

const patient = new WeakSet<object>();

/**
 * Lets the request that is under way on this socket take longer than `requestTimeout`; whoever asks for it watches over
 * the upload by itself. Answers how to take that back. Node has one timeout for all requests of a server.
 */
export function outlastRequestTimeout(socket: object | undefined): () => void {
  if (socket === undefined) return () => undefined;
  patient.add(socket);
  return () => patient.delete(socket);
}

/** Answers what Node's parser and timeouts refuse, as Node would, but for those who may take their time. */
export function answerClientErrors(server: EventEmitter): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: BrokenSocket & object) => {
    // Node asks once for each request: it goes on as if nothing had been
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && patient.has(socket)) return;
    if (socket.writable && socket._httpMessage?.headersSent !== true)
      socket.write(`HTTP/1.1 ${STATUS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
    socket.destroy(error);
  });
}
