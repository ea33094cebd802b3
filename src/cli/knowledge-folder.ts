import { createHash } from 'node:crypto';
import { opendir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { CommandError, EXIT, systemCode } from './command-error.ts';
import { readPage } from './knowledge-page.ts';

/** A page larger than this is no article, bytes. */
const PAGE_MAX = 4 * 1024 * 1024;
const PAGE = /\.(md|markdown|html?)$/i;
const LOCALE = /^[a-z]{2,3}(-[A-Za-z]{2,4})?$/;

/**
 * A folder of Markdown and HTML, or one such file, as lines of an import. Symbolic links are not followed: they lead
 * out, or in circles. Throws `CommandError` where there is nothing to import.
 */
export async function readFolder(path: string, source: string | undefined) {
  const isFolder = (await stat(path)).isDirectory();
  const root = await realpath(isFolder ? path : dirname(path));
  const files = isFolder ? await pagesIn(root) : [join(root, basename(path))];
  if (files.length === 0) throw new CommandError(`${path} holds neither Markdown nor HTML.`, EXIT.usage);
  const failed = new Map<number, string>();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const [index, file] of files.entries()) {
      const named = nameOf(relative(root, file));
      const page = await readText(file);
      const fields = typeof page === 'string' ? page : readPage(page.text, file, basename(named.id));
      // who is named but no article is told back as rejected, and stays if it was there before
      if (typeof fields === 'string') failed.set(index + 1, fields);
      yield Buffer.from(`${JSON.stringify({ ...named, ...(typeof fields === 'string' ? {} : fields) })}\n`);
    }
  }
  return {
    chunks: chunks(),
    bytes: null,
    source: source ?? (isFolder ? sourceOf(root) : undefined),
    complete: isFolder,
    origin: (line: number) => {
      const reason = failed.get(line);
      return { place: relative(root, files[line - 1] ?? ''), ...(reason === undefined ? {} : { reason }) };
    },
  };
}

/** In an order that is the same each time; nothing hidden. */
async function pagesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of await opendir(folder).catch((error: unknown) => {
    throw new CommandError(`${folder} cannot be read (${systemCode(error)}).`);
  })) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    if (entry.isDirectory()) found.push(...(await pagesIn(path)));
    else if (entry.isFile() && PAGE.test(entry.name)) found.push(path);
  }
  return found.toSorted();
}

async function readText(file: string): Promise<{ readonly text: string } | string> {
  try {
    const { size } = await stat(file);
    if (size > PAGE_MAX) return `It is larger than ${PAGE_MAX / 1024 / 1024} MiB.`;
    return { text: (await readFile(file, 'utf8')).replace(/^\uFEFF/, '') };
  } catch (error) {
    return `It cannot be read (${systemCode(error)}).`;
  }
}

/** `de/billing/refund.md` and `billing/refund.de.md` are both the German `billing/refund`. */
function nameOf(path: string): { readonly id: string; readonly locale: string | null } {
  const parts = path.replace(PAGE, '').split(sep);
  const at = parts.slice(0, -1).findIndex(isLocale);
  if (at >= 0) return { id: parts.filter((_, index) => index !== at).join('/'), locale: parts[at] ?? null };
  const [, stem, ending = ''] = /^(.+)\.([^.]+)$/.exec(parts.at(-1) ?? '') ?? [];
  if (stem === undefined || !isLocale(ending)) return { id: parts.join('/'), locale: null };
  return { id: [...parts.slice(0, -1), stem].join('/'), locale: ending };
}

const languages = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/** Only what is the code of a language: a folder `qa` is none. */
function isLocale(name: string): boolean {
  return LOCALE.test(name) && languages.of(name.split('-')[0] ?? '') !== undefined;
}

/** The same for the same folder, so that the next import knows what has gone: its name, and a few letters of its place. */
function sourceOf(root: string): string {
  const place = createHash('sha256').update(resolve(root)).digest('hex').slice(0, 8);
  const name = basename(root)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, 40);
  return name === '' ? place : `${name}-${place}`;
}
