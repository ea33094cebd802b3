import dgram from 'node:dgram';
import dns from 'node:dns';
import net from 'node:net';

export interface ConnectionRecorder extends Disposable {
  /** `host:port` of every connection that this process began since, however it was made; names that it looked up. */
  readonly opened: readonly string[];
}

/** Hears of every outgoing connection at its root: the sockets that fetch, http, https, tls and net all end in. */
export function recordConnections(): ConnectionRecorder {
  const opened: string[] = [];
  const { connect } = net.Socket.prototype;
  const { lookup } = dns;
  const { send } = dgram.Socket.prototype;
  net.Socket.prototype.connect = function record(this: net.Socket, ...args: unknown[]) {
    opened.push(targetOf(args));
    return Reflect.apply(connect, this, args) as net.Socket;
  };
  const recordLookup = (...args: unknown[]): void => {
    opened.push(`lookup ${String(args[0])}`);
    Reflect.apply(lookup, dns, args);
  };
  dns.lookup = Object.assign(recordLookup, { __promisify__: lookup.__promisify__ }) as typeof dns.lookup;
  dgram.Socket.prototype.send = function record(this: dgram.Socket, ...args: unknown[]) {
    opened.push('udp');
    Reflect.apply(send, this, args);
  };
  return {
    opened,
    [Symbol.dispose]: () => {
      net.Socket.prototype.connect = connect;
      dns.lookup = lookup;
      dgram.Socket.prototype.send = send;
    },
  };
}

/** `connect` takes options, a port and a host, a path, or (from `net.connect`) a list that holds options. */
function targetOf(args: readonly unknown[]): string {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first !== 'object' || first === null)
    return `${typeof second === 'string' ? second : 'localhost'}:${String(first)}`;
  const { host = 'localhost', port, path } = first as { host?: string; port?: number | string; path?: string };
  return port === undefined ? `path ${String(path)}` : `${host}:${port}`;
}
