import { connect, type Socket } from 'node:net';

/*
 * Promise 8: everything at once that a stranger can do to a webhook door with sockets. Bodies are not even signed: they
 * cost most before anybody looks at a signature.
 */

const MIB = 1024 * 1024;
const HEAD = 'POST /webhooks/zendesk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
/** New connections at one time: more than the listen backlog would be refused by the system, not by us. */
const WAVE = 200;

export interface HostileLoad {
  readonly port: number;
  /** 50 MB each, in chunks. */
  readonly floods: number;
  /** 1 MiB each, whole. */
  readonly bodies: number;
  readonly stalledBodies: number;
  readonly halfHeaders: number;
  /** Sends one genuine webhook and answers its status; asked again and again. */
  readonly genuine: () => Promise<number>;
  readonly health: () => Promise<unknown>;
}

export interface HostileResult {
  /** How often each status (or `none`) ended a connection. */
  readonly floods: Readonly<Record<string, number>>;
  readonly bodies: Readonly<Record<string, number>>;
  readonly stalled: Readonly<Record<string, number>>;
  readonly genuine: Readonly<Record<string, number>>;
  readonly retryAfter: readonly number[];
  /** From connecting to the end of the slowest stalled connection, ms. */
  readonly slowestStalledMs: number;
  readonly slowestGenuineMs: number;
  readonly healthMs: readonly number[];
}

interface Ended {
  readonly status: string;
  readonly text: string;
  readonly ms: number;
}

/** One connection from its opening to its end, whoever ends it. */
async function attack(port: number, send: (socket: Socket) => void): Promise<Ended> {
  const startedAt = performance.now();
  const socket = connect(port, '127.0.0.1', () => send(socket));
  let text = '';
  socket.on('data', (data) => (text += data.toString('latin1')));
  socket.on('error', () => undefined);
  // not `once`: it rejects when the other side resets the connection
  await new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  return { status: /HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 'none', text, ms: performance.now() - startedAt };
}

async function inWaves(count: number, start: () => Promise<Ended>): Promise<Ended[]> {
  const all: Promise<Ended>[] = [];
  for (let from = 0; from < count; from += WAVE) {
    for (let i = from; i < Math.min(count, from + WAVE); i++) all.push(start());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Promise.all(all);
}

function flood(socket: Socket): void {
  const chunk = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
  let left = (50 * MIB) / 0x10000;
  socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
  const go = (): void => {
    while (left-- > 0 && !socket.destroyed) {
      if (!socket.write(chunk)) {
        socket.once('drain', go);
        return;
      }
    }
    if (!socket.destroyed) socket.write('0\r\n\r\n');
  };
  go();
}

const body = Buffer.alloc(MIB, ' ');

/** What the service has room for at one moment, in bodies (http/webhooks.ts). */
const ROOM = 32;

/** All but the last byte of each; that only when all are answered that can find no room: till then some are held. */
function wholeBodies(count: number): (socket: Socket) => void {
  const held = new Set<Socket>();
  let answered = 0;
  return (socket) => {
    held.add(socket);
    const over = (): void => {
      if (!held.delete(socket)) return;
      answered += 1;
      if (answered === count - ROOM) for (const each of held) each.write(' ');
    };
    socket.once('data', over);
    socket.once('close', over);
    socket.write(`${HEAD}Connection: close\r\nContent-Length: ${MIB}\r\n\r\n`);
    socket.write(body.subarray(1));
  };
}

function tally(ended: readonly Ended[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of ended) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Asks again and again, with a pause, until told to stop. */
async function meanwhile(signal: AbortSignal, pauseMs: number, ask: () => Promise<string>): Promise<Ended[]> {
  const all: Ended[] = [];
  while (!signal.aborted) {
    const startedAt = performance.now();
    const status = await ask();
    all.push({ status, text: '', ms: performance.now() - startedAt });
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return all;
}

export async function runHostileLoad(load: HostileLoad): Promise<HostileResult> {
  const { port } = load;
  const over = new AbortController();
  const sendWhole = wholeBodies(load.bodies);
  const genuine = meanwhile(over.signal, 250, async () => String(await load.genuine()));
  const health = meanwhile(over.signal, 50, async () => String(await load.health()));
  const [stalledBodies, halfHeaders, floods, bodies] = await Promise.all([
    inWaves(load.stalledBodies, () =>
      attack(port, (socket) => void socket.write(`${HEAD}Content-Length: 1000\r\n\r\nabc`)),
    ),
    inWaves(load.halfHeaders, () => attack(port, (socket) => void socket.write(HEAD))),
    inWaves(load.floods, () => attack(port, flood)),
    inWaves(load.bodies, () => attack(port, sendWhole)),
  ]);
  over.abort();
  const served = await genuine;
  const stalled = [...stalledBodies, ...halfHeaders];
  return {
    floods: tally(floods),
    bodies: tally(bodies),
    stalled: tally(stalled),
    genuine: tally(served),
    retryAfter: bodies.flatMap(({ text }) =>
      [...text.matchAll(/^retry-after: (\d+)/gim)].map(([, value]) => Number(value)),
    ),
    slowestStalledMs: Math.max(...stalled.map(({ ms }) => ms)),
    slowestGenuineMs: Math.max(...served.map(({ ms }) => ms)),
    healthMs: (await health).map(({ ms }) => ms).toSorted((a, b) => a - b),
  };
}
