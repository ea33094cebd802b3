import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CommandError, EXIT, systemCode } from './command-error.ts';
import { formatOf } from './file-records.ts';
import { readFolder } from './knowledge-folder.ts';
import { formatCount, formatTable, paint } from './progress-view.ts';
import { connect, type ServiceClient } from './service-client.ts';
import { jsonLine, shown } from './shown.ts';

const KINDS = ['articles', 'canned', 'solved'] as const;

type Kind = (typeof KINDS)[number];

export interface KnowledgeImportOptions extends Partial<Record<Kind, string>> {
  readonly source?: string;
  readonly json?: true;
}

interface Rejected {
  readonly line: number;
  readonly reason: string;
}

/** What an import is answered with; here its rejected lines also tell where they come from. */
interface ImportAnswer<Line extends Rejected = Rejected & { readonly place: string }> {
  readonly imported: number;
  readonly updated: number;
  readonly rejected: readonly Line[];
  readonly moreRejected?: number;
  readonly removed?: number | null;
}

/** Lines to send, and what they are. */
interface Upload {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes; null: only known when all is read. */
  readonly bytes: number | null;
  readonly source: string | undefined;
  /** They are all that the source has. */
  readonly complete: boolean;
  /** Where a line comes from, and what else is known about why it was rejected. */
  readonly origin: (line: number) => { readonly place: string; readonly reason?: string };
}

/** Sends what was named, one after the other; articles first, so that solved tickets find what they link to. */
export async function importKnowledge(options: KnowledgeImportOptions): Promise<number> {
  const given = KINDS.flatMap((kind) => (options[kind] === undefined ? [] : [{ kind, path: options[kind] }]));
  if (given.length === 0)
    throw new CommandError('Name what to import: --articles, --solved or --canned (add --help).', EXIT.usage);
  const uploads: { readonly kind: Kind; readonly upload: Upload }[] = [];
  for (const { kind, path } of given) uploads.push({ kind, upload: await openUpload(kind, path, options.source) });
  const client = connect();
  const answers: Partial<Record<Kind, ImportAnswer>> = {};
  for (const { kind, upload } of uploads) {
    const answer = await send(client, kind, upload);
    answers[kind] = answer;
    if (options.json !== true) process.stdout.write(describe(kind, answer));
  }
  if (options.json === true) process.stdout.write(jsonLine(answers));
  return Object.values(answers).some(({ rejected }) => rejected.length > 0) ? EXIT.failed : 0;
}

/** Lines of a file, or of a folder's pages. Throws `CommandError` where there are none. */
export async function openUpload(kind: Kind, path: string, source: string | undefined): Promise<Upload> {
  const found = await stat(path).catch((error: unknown) => {
    throw new CommandError(`${path} cannot be read (${systemCode(error)}).`, EXIT.usage);
  });
  const isPage = /\.(md|markdown|html?)$/i.test(path);
  if (kind === 'articles' && (found.isDirectory() || isPage)) return readFolder(path, source);
  if (formatOf(path) !== 'jsonl')
    throw new CommandError(`${path} must be a file of JSON lines: .jsonl or .ndjson.`, EXIT.usage);
  return {
    chunks: createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>,
    bytes: found.size,
    source,
    complete: false,
    origin: (line) => ({ place: `${path}:${line}` }),
  };
}

async function send(client: ServiceClient, kind: Kind, upload: Upload): Promise<ImportAnswer> {
  const query = new URLSearchParams({
    ...(upload.source === undefined ? {} : { source: upload.source }),
    ...(upload.complete ? { complete: 'true' } : {}),
  });
  const progress = createUploadProgress(kind, upload.bytes);
  try {
    const chunks = progress.watch(upload.chunks);
    const answer = await client.upload<ImportAnswer<Rejected>>(`/admin/knowledge/${kind}?${query.toString()}`, chunks);
    const rejected = answer.rejected.map(({ line, reason }) => ({ line, reason, ...upload.origin(line) }));
    return { ...answer, rejected };
  } finally {
    progress.end();
  }
}

/** How much is sent, on a terminal only. */
function createUploadProgress(kind: Kind, bytes: number | null) {
  const { stderr } = process;
  let sent = 0;
  const mb = (amount: number): string => (amount / 1e6).toFixed(1);
  return {
    async *watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        yield chunk;
        sent += chunk.byteLength;
        if (stderr.isTTY) stderr.write(`\r  ${kind}: ${mb(sent)}${bytes === null ? '' : ` of ${mb(bytes)}`} MB sent`);
      }
    },
    end: (): void => {
      if (stderr.isTTY && sent > 0) stderr.write('\r\u001b[2K');
    },
  };
}

function describe(kind: Kind, { imported, updated, rejected, moreRejected = 0, removed }: ImportAnswer): string {
  const rows: (readonly [string, string])[] = [
    ['imported', formatCount(imported)],
    ['updated', formatCount(updated)],
    ...(removed === undefined ? [] : [['removed', removed === null ? NOTHING_REMOVED : formatCount(removed)] as const]),
    ['rejected', formatCount(rejected.length + moreRejected)],
  ];
  const bad = rejected.map(({ place, reason }) => `  ${shown(place)}: ${shown(reason)}\n`).join('');
  const more = moreRejected === 0 ? '' : `  and ${formatCount(moreRejected)} more\n`;
  return `\n${paint(process.stdout, 'bold', kind)}\n${formatTable(process.stdout, rows)}${bad}${more}`;
}

const NOTHING_REMOVED = '0 (a line that could not be read may stand for any article)';
