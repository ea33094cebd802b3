import dgram from 'node:dgram';
import dns from 'node:dns';
import net from 'node:net';
import { vi } from 'vitest';

export interface ConnectionRecorder extends Disposable {
  /** `host:port` of every connection that this process began since, however it was made, and names that it looked up. */
  opened(): readonly string[];
}

/** Hears of every outgoing connection at its root: the sockets that fetch, http, https, tls and net all end in. */
export function recordConnections(): ConnectionRecorder {
  const connect = vi.spyOn(net.Socket.prototype, 'connect');
  const lookup = vi.spyOn(dns, 'lookup');
  const send = vi.spyOn(dgram.Socket.prototype, 'send');
  return {
    opened: () => [
      ...connect.mock.calls.map((args) => targetOf(args)),
      ...lookup.mock.calls.map(([name]) => `lookup ${name}`),
      ...send.mock.calls.map(() => 'udp'),
    ],
    [Symbol.dispose]: () => {
      for (const spy of [connect, lookup, send]) spy.mockRestore();
    },
  };
}

/** `connect` takes options, a port and a host, or (from `net.connect`) a list that begins with options. */
function targetOf(args: readonly unknown[]): string {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first !== 'object' || first === null) return `${String(second)}:${String(first)}`;
  const { host = 'localhost', port, path } = first as { host?: string; port?: number | string; path?: string };
  return port === undefined ? `path ${String(path)}` : `${host}:${port}`;
}
