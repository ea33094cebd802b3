import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startProgram } from './cli/program.ts';

/* The files for a container and for systemd, as far as they can be checked without docker. */

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(root + path, 'utf8');
const dockerfile = read('Dockerfile').replaceAll(/\\\n\s*/g, '');

/** The arguments of the last such instruction. */
const instruction = (name: string): string =>
  [...dockerfile.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].at(-1)?.[1] ?? '';

describe('Dockerfile', () => {
  it('runs as nobody special, in exec form, with the data in a volume', () => {
    expect(instruction('USER')).toBe('node');
    expect(JSON.parse(instruction('ENTRYPOINT'))).toEqual(expect.arrayContaining(['node', 'dist/draftdesk.js']));
    expect(JSON.parse(instruction('CMD'))).toEqual(['serve']);
    expect(instruction('STOPSIGNAL')).toBe('SIGTERM');
    expect(instruction('ENV')).toContain(`DATABASE_URL=file:${instruction('VOLUME')}/`);
    // the last stage takes nothing from outside but what was built
    const last = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
    expect(
      [...last.matchAll(/^COPY (.*)$/gm)].filter(([, args]) => args?.startsWith('--from=build ') !== true),
    ).toEqual([]);
    for (const secret of ['.env*', 'data', '.git']) expect(read('.dockerignore').split('\n')).toContain(secret);
  });

  it('starts the program with flags that this Node takes', async () => {
    const [, ...flags] = JSON.parse(instruction('ENTRYPOINT')) as string[];
    const { ended } = startProgram(['--version'], { env: {}, cwd: '/', nodeArgs: flags.slice(0, -1) });
    expect((await ended).code).toBe(0);
  });

  it.each([200, 503])('has a health check that judges an answer %i', async (status) => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/healthz' ? status : 404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const command = JSON.parse(instruction('HEALTHCHECK').replace(/^.*CMD /, '')) as string[];
    const env = { PORT: String(port) };
    const child = spawn(process.execPath, command.slice(1), { env });
    const [code] = (await once(child, 'exit')) as [number];
    server.close();
    expect(code).toBe(status === 200 ? 0 : 1);
  });
});

describe('compose.yaml', () => {
  it.each([
    /^ {4}read_only: true$/m,
    /^ {4}cap_drop:\n {6}- ALL$/m,
    /^ {4}mem_limit: 512m$/m,
    /^ {4}stop_grace_period: 15s$/m,
    /^ {4}env_file: \.\.\/\.env$/m,
    /^ {6}- data:\/data$/m,
    /^ {6}- '127\.0\.0\.1:8787:8787'$/m,
  ])('has %s', (line) => {
    expect(read('deploy/compose.yaml')).toMatch(line);
  });
});

describe('draftdesk.service', () => {
  const unit = read('deploy/draftdesk.service');

  it.each([
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'PrivateTmp=yes',
    'SystemCallFilter=@system-service',
    'MemoryMax=512M',
  ])('has %s', (line) => {
    expect(unit.split('\n')).toContain(line);
  });

  it('does not restart what has wrong settings, and leaves time to stop', () => {
    expect(unit).toMatch(/^RestartPreventExitStatus=78$/m);
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1000).toBeGreaterThan(5000);
  });

  const analyze = spawnSync('systemd-analyze', ['--version']);
  it.skipIf(analyze.error !== undefined)('passes systemd-analyze verify', () => {
    // what ExecStart names is not on this machine: only what systemd says of the file itself counts
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', `${root}deploy/draftdesk.service`], {
      encoding: 'utf8',
    });
    expect(
      stderr.split('\n').filter((line) => line.includes('draftdesk.service') && !/is not executable/.test(line)),
    ).toEqual([]);
  });
});
