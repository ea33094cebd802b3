import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { ConfigError, readConfig } from '../../config.ts';
import { type Finding, ok, problem, warning } from '../../core/finding.ts';
import { isLoopbackHost } from '../../core/weak-secret.ts';
import { systemCode } from '../command-error.ts';
import type { Check } from './check.ts';

/** Each problem is a sentence that begins with the variable's name. */
export const settings: Check = ({ env, config }) => {
  if (config !== null) {
    const found = config.warnings.map((text) => warning('settings', text, 'Do as it says.'));
    return [
      ok('settings', `good; helpdesks: ${config.helpdesks.map(({ module }) => module.name).join(', ')}`),
      ...found,
    ];
  }
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((text) => problem('settings', text, 'Set it in the environment or in .env.'));
  }
};

/** What is wrong with them stands under settings. */
export const rules: Check = ({ config }) =>
  config === null || config.rulesFile === null
    ? []
    : [ok('rules', `${config.rulesFile}: ${config.rules.rules.length} rules, version ${config.rules.version}`)];

const SECRET = /(KEY|SECRET|TOKEN|PASSWORD)$/;
/** Of a shorter secret two characters tell too much. */
const TELLABLE_LENGTH = 16;

/** Which are set, so that an old one can be told from a new one. */
export const secrets: Check = ({ env }) =>
  Object.entries(env)
    .filter(([name, value = '']) => value !== '' && SECRET.test(name) && OURS.test(name))
    .map(([name, value = '']) => {
      const end = value.length < TELLABLE_LENGTH ? '' : ` (… ${value.slice(-2)})`;
      return ok('secret', `${name} set${end}`);
    });

const OURS = /^(ADMIN|OPENAI|ZENDESK|FRESHDESK)_/;

export const node: Check = ({ env }) => {
  const version = ok('node', `${process.versions.node} on ${process.platform} ${process.arch}`);
  const options = `${env['NODE_OPTIONS'] ?? ''} ${process.execArgv.join(' ')}`;
  if (!/--inspect/.test(options)) return [version];
  const text = 'the inspector is open (--inspect): whoever reaches it may run anything';
  return [version, warning('node', text, 'Take --inspect out of NODE_OPTIONS and the command line.')];
};

/** Windows has no such modes. */
export const environmentFile: Check = () => {
  const file = statSync('.env', { throwIfNoEntry: false });
  if (file === undefined || process.platform === 'win32') return [];
  if ((file.mode & 0o077) === 0) return [ok('.env', 'readable by its owner only')];
  return [warning('.env', 'holds secrets, and other users of this machine may read it', 'chmod 600 .env')];
};

export const address: Check = async ({ config, readiness, url }) => {
  if (config === null) return [];
  const { host, port } = config;
  const found: Finding[] = [];
  if (!isLoopbackHost(host)) {
    const text = `${host} can be reached from other machines, without TLS`;
    found.push(warning('address', text, 'Put a proxy with TLS before it, or set HOST to 127.0.0.1.'));
  }
  if (readiness !== null) return [...found, ok('address', `a service answers at ${url}`)];
  const code = port === 0 ? null : await tryPort(host, port);
  if (code === null) return [...found, ok('address', `nobody listens on port ${port}: the service is stopped`)];
  const text = `port ${port} cannot be had (${code}), and no Draftdesk answers there`;
  return [...found, problem('address', text, 'Stop what has it, or set PORT to another one.')];
};

async function tryPort(host: string, port: number): Promise<string | null> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemCode(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

export const service: Check = ({ readiness }) =>
  Object.entries(readiness?.checks ?? {})
    .filter(([, text]) => text !== 'ok')
    .map(([name, text]) => problem(`service: ${name}`, text, 'See its log; it goes on by itself when that is mended.'));
