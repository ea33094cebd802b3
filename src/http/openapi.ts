import type { Hono } from 'hono';
import * as z from 'zod';
import { type Answer, type Operation, operationOf } from './operation.ts';
import { PROBLEM_CODES, type ProblemCode, problemSchema, statusOf, titleOf } from './problem.ts';

/** Of this description; it grows with the paths, and nothing in it is renamed or taken away. */
const API_VERSION = '1';

const PARAMETERS: NonNullable<Operation['parameters']> = {
  helpdesk: { description: 'The name of a configured helpdesk.', example: 'zendesk' },
  ticketId: { description: 'The id that the ticket has in the helpdesk.', example: '5158' },
  id: { description: 'The id of the batch.', example: '019ab3c4-0000-7000-8000-000000000000' },
};

const PROBLEM_ANSWERS = '#/components/responses/';

/** What is used of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html) here. */
export interface ApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, ApiResponse>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

export interface ApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, ApiResponse | { readonly $ref: string }>>;
}

export interface ApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
  readonly example?: string;
}

export interface ApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;
export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** Describes what is registered at the app: a path that nobody has described is left out. */
export function describeApi({ routes }: Hono): ApiDocument {
  const paths: Record<string, Record<string, ApiOperation>> = {};
  const tags = new Set<string>();
  for (const { method, path, handler } of routes) {
    const operation = operationOf(handler);
    if (operation === undefined) continue;
    const at = (paths[path.replaceAll(/:(\w+)/g, '{$1}')] ??= {});
    at[operation.method ?? method.toLowerCase()] = toOperation(operation, path, method);
    tags.add(operation.tag);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Draftdesk',
      version: API_VERSION,
      description:
        'Support tickets in, draft replies as private notes out. Times are ISO 8601 in UTC, ids of the helpdesk are strings, and objects may get more fields.',
    },
    servers: [{ url: '/' }],
    tags: Array.from(tags, (name) => ({ name })),
    paths,
    components: {
      schemas: namedSchemas(),
      responses: Object.fromEntries(PROBLEM_CODES.map((code) => [code, problemAnswer(code)])),
      securitySchemes: {
        adminToken: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN, or a token of ADMIN_TOKENS_FILE.' },
      },
    },
  };
}

function toOperation(operation: Operation, path: string, method: string): ApiOperation {
  const { id, tag, summary, description, access, body } = operation;
  const parameters = [...pathParameters(operation, path), ...queryParameters(operation)];
  const responses = Object.entries(operation.answers).map(([status, answer]) => [status, toResponse(answer)] as const);
  const problems = problemsOf(operation, method).map(
    (code) => [String(statusOf(code)), { $ref: `${PROBLEM_ANSWERS}${code}` }] as const,
  );
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: access === 'admin' ? [{ adminToken: [] }] : [],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: body.required, content: toContent(body) } }),
    responses: Object.fromEntries([...responses, ...problems].toSorted(([a], [b]) => Number(a) - Number(b))),
  };
}

function toContent({ schema, mediaType = 'application/json' }: NonNullable<Operation['body']>): Content {
  if (mediaType === 'application/json') return { [mediaType]: { schema: refTo(schema) } };
  const { id, examples } = schema.meta() ?? {};
  const lines = (examples as readonly object[] | undefined)?.map((each) => `${JSON.stringify(each)}\n`) ?? [];
  const description = `Lines of JSON, each one ${id}.`;
  return { [mediaType]: { schema: { type: 'string', description }, example: lines.join('') } };
}

function pathParameters({ parameters = {} }: Operation, path: string): ApiParameter[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path' as const,
    required: true,
    schema: { type: 'string' as const },
    ...PARAMETERS[name],
    ...parameters[name],
  }));
}

function queryParameters({ query }: Operation): ApiParameter[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, CONVERSION);
  return Object.entries(properties).flatMap(([name, property]) => {
    if (typeof property === 'boolean') return [];
    const { description, ...schema } = property;
    const text = description === undefined ? {} : { description };
    return [{ name, in: 'query' as const, required: required.includes(name), ...text, schema }];
  });
}

function problemsOf({ access, query, body, problems = [] }: Operation, method: string): ProblemCode[] {
  const changes = access === 'admin' && method !== 'GET';
  return [
    ...new Set<ProblemCode>([
      ...(query === undefined && body === undefined ? [] : (['malformed'] as const)),
      ...(body === undefined ? [] : (['too_large'] as const)),
      ...(access === 'admin' ? (['unauthorized', 'too_many_requests', 'internal'] as const) : []),
      // nothing changes that the audit log cannot take
      ...(changes ? (['forbidden', 'unavailable'] as const) : []),
      ...problems,
    ]),
  ];
}

function toResponse({ description, schema, mediaType = 'application/json', example }: Answer): ApiResponse {
  const one = mediaType === 'application/json' && schema !== undefined;
  const content = {
    schema: one ? refTo(schema) : { type: 'string' as const },
    ...(example === undefined ? {} : { example }),
  };
  return { description, content: { [mediaType]: content } };
}

function problemAnswer(code: ProblemCode): ApiResponse {
  const waits = code === 'unavailable' || code === 'too_many_requests';
  const retryAfter = { description: 'Seconds to wait, 1 to 59.', required: true, schema: { type: 'integer' } };
  const { status, title } = { status: statusOf(code), title: titleOf(code) };
  return {
    description: `${title}.`,
    ...(waits ? { headers: { 'Retry-After': retryAfter } } : {}),
    content: {
      'application/problem+json': {
        schema: refTo(problemSchema),
        example: { type: 'about:blank', title, status, detail: 'A sentence that says what is wrong.', code },
      },
    },
  };
}

/** What an operation's answer says, also where it stands among those that many have. */
export function responseOf({ components }: ApiDocument, response: ApiOperation['responses'][string]): ApiResponse {
  if (!('$ref' in response)) return response;
  const found = components.responses[response.$ref.slice(PROBLEM_ANSWERS.length)];
  if (found === undefined) throw new Error(`no ${response.$ref}`);
  return found;
}

/** Bodies have a name (`meta({ id })`), so that they are described once. */
function refTo(schema: z.ZodType): JsonSchema {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error('the schema of a body needs meta({ id })');
  return { $ref: componentPath(id) };
}

function componentPath(id: string): string {
  return `#/components/schemas/${id}`;
}

const CONVERSION = {
  // what is sent to us, before it is transformed; and answers may get more fields than they are described with
  io: 'input',
  override: ({ zodSchema, jsonSchema }: { readonly zodSchema: z.core.$ZodType; readonly jsonSchema: JsonSchema }) => {
    const { examples, default: preset } = z.globalRegistry.get(zodSchema) ?? {};
    // zod takes them for what comes out of a transform and leaves them out
    if (examples !== undefined) jsonSchema.examples = examples as never;
    if (preset !== undefined) jsonSchema.default = preset as never;
    // zod's own, in 300 characters: the format says the same; and of a number written out there is no pattern
    if (jsonSchema.format === 'date-time' || jsonSchema.type === 'integer') delete jsonSchema.pattern;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
} as const;

function namedSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { ...CONVERSION, uri: componentPath });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $id: _id, $schema: _schema, ...schema }]) => [id, schema]),
  );
}
