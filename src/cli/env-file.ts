import { chmodSync, existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { CommandError, EXIT, systemCode } from './command-error.ts';

export const ENV_FILE = '.env';

/** One line of a .env file. Throws `CommandError` for a value that no line can hold. */
export function envLine(name: string, value: string): string {
  const line = /^[\w@.:/+=,~-]*$/.test(value) ? `${name}=${value}` : `${name}='${value}'`;
  if (!/[\r\n]/.test(value) && parseEnv(line)[name] === value) return line;
  throw new CommandError(`${name} has characters that a .env file cannot hold (quotes, line breaks).`, EXIT.usage);
}

/** Writes the whole file, readable by its owner alone from the first byte on; never a half one. */
export function writeEnvFile(text: string, path: string = ENV_FILE): void {
  // a link to a file elsewhere stays one
  const target = existsSync(path) ? realpathSync(path) : path;
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
    // what the umask has taken away
    chmodSync(temporary, 0o600);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new CommandError(`${path} cannot be written (${systemCode(error)}).`, EXIT.failed, { cause: error });
  }
}

/** Sets variables, each in its own line where there is one, and leaves everything else as it is. */
export function setInEnvFile(values: Readonly<Record<string, string>>, path: string = ENV_FILE): void {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  writeEnvFile(
    Object.entries(values).reduce((text, [name, value]) => withVariable(text, name, value), before),
    path,
  );
}

function withVariable(text: string, name: string, value: string): string {
  const line = envLine(name, value);
  const place = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=.*$`, 'm');
  if (place.test(text)) return text.replace(place, () => line);
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}
