import type { z } from 'zod';
import type { ProblemCode } from './problem.ts';

/** One kind of answer that is no problem. */
export interface Answer {
  readonly description: string;
  /** Of the body; of each line or event where the media type is one of many. */
  readonly schema?: z.ZodType;
  /** JSON unless told. */
  readonly mediaType?: string;
  /** What it looks like, where the schema's own example is not it. */
  readonly example?: string;
}

/** One method of one path, as `/openapi.json` describes it. Schemas are those that the handler itself checks with. */
export interface Operation {
  /** Unique; the name of the function that generated clients get. */
  readonly id: string;
  /** Operations with the same one stand together. */
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** `admin`: wants a token. `webhook`: signed in the helpdesk's own way. */
  readonly access: 'public' | 'admin' | 'webhook';
  /** Where one handler looks at all methods. */
  readonly method?: 'post';
  /** By name, where the common words for it (openapi.ts) do not do. */
  readonly parameters?: Readonly<Record<string, { readonly description: string; readonly example: string }>>;
  readonly query?: z.ZodObject;
  readonly body?: {
    /** Of each line where it is NDJSON. */
    readonly schema: z.ZodType;
    readonly required: boolean;
    /** JSON unless told. */
    readonly mediaType?: string;
  };
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Besides those that all operations of this access, with a query or a body, may answer. */
  readonly problems?: readonly ProblemCode[];
}

const operations = new WeakMap<object, Operation>();

/** Ties a description to the function that does it; answers the function. */
export function described<Handler extends object>(operation: Operation, handler: Handler): Handler {
  operations.set(handler, operation);
  return handler;
}

/** Undefined where nobody has described it. */
export function operationOf(handler: object): Operation | undefined {
  return operations.get(handler);
}
