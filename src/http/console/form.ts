import { RequestError } from '../../core/errors.ts';
import { withBody } from '../request-body.ts';

/** Enough for 10,000 ids of 20 digits, several times. */
const LIMITS = { maxBytes: 2 * 1024 * 1024, budget: null };
const TYPES = /^(application\/x-www-form-urlencoded|multipart\/form-data)\s*(;|$)/i;

/** What a form of ours has sent. Throws `RequestError`: `unsupported_type`, `malformed`, `too_large` past 2 MiB. */
export function readForm(request: Request): Promise<FormData> {
  const type = request.headers.get('content-type') ?? '';
  if (!TYPES.test(type)) throw new RequestError('unsupported_type', 'Only forms are taken here.');
  return withBody(
    request,
    LIMITS,
    async (body) => parse(body, type),
    (refusal) => {
      if (refusal === 'too_large') throw new RequestError('too_large', 'The form is larger than 2 MiB.');
      throw new RequestError('malformed', 'The form ended before its end.');
    },
  );
}

async function parse(body: Uint8Array, type: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  } catch {
    throw new RequestError('malformed', 'The form cannot be read.');
  }
}

/** A field's text, trimmed; empty where there is none, or a file. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
