import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import { type ApiDocument, type ApiOperation, type ApiParameter, type JsonSchema, responseOf } from './openapi.ts';

interface Described {
  readonly method: string;
  readonly path: string;
  readonly operation: ApiOperation;
}

/** `/openapi.json` as a page for people. It needs no script, and its style sheet is the only thing it loads. */
export async function docsPage(document: ApiDocument, stylePath: string): Promise<string> {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const groups = document.tags.map(({ name }) => ({
    name,
    members: all.filter((each) => each.operation.tags.includes(name)),
  }));
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>The API of Draftdesk</title>
        <link rel="stylesheet" href={stylePath} />
      </head>
      <body>
        <a class="skip" href="#main">
          To the content
        </a>
        <Contents groups={groups} />
        <main id="main">
          <h1>The API of Draftdesk</h1>
          <p>{document.info.description}</p>
          <p>
            For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI {document.openapi}). The examples take the
            address from <code>DRAFTDESK_URL</code> and an admin token from <code>ADMIN_TOKEN</code>. Tokens of viewers
            may look, those of operators may change as well.
          </p>
          {groups.map(({ name, members }) => (
            <section aria-labelledby={anchor(name)}>
              <h2 id={anchor(name)}>{name}</h2>
              {members.map((each) => (
                <OperationBlock {...each} document={document} />
              ))}
            </section>
          ))}
          <section aria-labelledby="objects">
            <h2 id="objects">Objects</h2>
            {Object.entries(document.components.schemas).map(([name, schema]) => (
              <ObjectBlock name={name} schema={schema} />
            ))}
          </section>
        </main>
      </body>
    </html>
  );
  return html`<!doctype html>${page}`;
}

function Contents({
  groups,
}: {
  readonly groups: readonly { readonly name: string; readonly members: readonly Described[] }[];
}) {
  return (
    <nav aria-label="Contents">
      <ul>
        {groups.map(({ name, members }) => (
          <li>
            <a href={`#${anchor(name)}`}>{name}</a>
            <ul>
              {members.map(({ method, path, operation }) => (
                <li>
                  <a href={`#${operation.operationId}`}>
                    <Method name={method} /> {path.replace(/^\/admin/, '')}
                  </a>
                </li>
              ))}
            </ul>
          </li>
        ))}
        <li>
          <a href="#objects">Objects</a>
        </li>
      </ul>
    </nav>
  );
}

function Method({ name }: { readonly name: string }) {
  return <span class={`method ${name}`}>{name.toUpperCase()}</span>;
}

function OperationBlock({ method, path, operation, document }: Described & { readonly document: ApiDocument }) {
  const { operationId, summary, description, security, parameters = [], requestBody } = operation;
  const responses = Object.entries(operation.responses).map(
    ([status, response]) => [status, responseOf(document, response)] as const,
  );
  const sent = requestBody?.content['application/json']?.schema;
  const example = examplesOf(sent, document)[0];
  const lines = requestBody?.content['application/x-ndjson'];
  const [, { content: answer = {} } = {}] = responses[0] ?? [];
  return (
    <article aria-labelledby={operationId}>
      <h3 id={operationId}>
        <Method name={method} /> <code>{path}</code>
      </h3>
      <p>
        {summary}. {description === undefined ? '' : <Prose text={description} />}
      </p>
      <p class="small">{accessText(path, method, security.length > 0)}</p>
      {parameters.length > 0 && <Parameters parameters={parameters} />}
      {sent !== undefined && (
        <p>
          Body{requestBody?.required === true ? '' : ' (may be left out)'}: <Type schema={sent} />
        </p>
      )}
      {lines !== undefined && (
        <p>
          Body, <code>application/x-ndjson</code>: <Prose text={String(lines.schema.description)} />
        </p>
      )}
      <Scroll label={`Answers of ${operationId}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Answer</th>
              <th scope="col">Meaning</th>
              <th scope="col">Body</th>
            </tr>
          </thead>
          <tbody>
            {responses.map(([status, response]) => (
              <tr>
                <th scope="row">{status}</th>
                <td>
                  <Prose text={response.description} />
                  {response.headers === undefined ? '' : ` With ${Object.keys(response.headers).join(', ')}.`}
                </td>
                <td>{Object.entries(response.content ?? {}).map(([type, { schema }]) => bodyCell(type, schema))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {!path.startsWith('/webhooks/') && (
        <Code
          label="Example"
          text={curl({ method, path, operation }, security.length > 0, example ?? lines?.example)}
        />
      )}
      {Object.entries(answer).map(([type, { schema, example: text }]) => (
        <AnswerExample type={type} value={text ?? examplesOf(schema, document)[0]} />
      ))}
    </article>
  );
}

function accessText(path: string, method: string, token: boolean): string {
  if (!token) return path.startsWith('/webhooks/') ? 'For helpdesks.' : 'Anybody may ask.';
  return method === 'get' ? 'Wants an admin token.' : 'Wants an admin token of an operator.';
}

function bodyCell(type: string, schema: JsonSchema): Child {
  return type === 'application/json' || type === 'application/problem+json' ? (
    <Type schema={schema} />
  ) : (
    <code>{type}</code>
  );
}

function Parameters({ parameters }: { readonly parameters: readonly ApiParameter[] }) {
  return (
    <dl>
      {parameters.map(({ name, in: place, description = '', schema }) => (
        <>
          <dt>
            <code>{name}</code> <span class="small">{place}</span>
          </dt>
          <dd>
            <Prose text={description} />{' '}
            <span class="small">{Array.isArray(schema.enum) && <Type schema={schema} />}</span>
          </dd>
        </>
      ))}
    </dl>
  );
}

function AnswerExample({ type, value }: { readonly type: string; readonly value: unknown }) {
  if (value === undefined) return null;
  return <Code label={`Answer, ${type}`} text={typeof value === 'string' ? value : JSON.stringify(value, null, 2)} />;
}

function Code({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <details open={label === 'Example'}>
      <summary>{label}</summary>
      <pre tabindex={0}>
        <code>{text}</code>
      </pre>
    </details>
  );
}

/** Wide tables move by themselves, by keyboard too. */
function Scroll({ label, children }: { readonly label: string; readonly children?: Child }) {
  return (
    <div class="scroll" role="region" aria-label={label} tabindex={0}>
      {children}
    </div>
  );
}

function ObjectBlock({ name, schema }: { readonly name: string; readonly schema: JsonSchema }) {
  const { properties, required = [], description } = schema;
  return (
    <article aria-labelledby={`object-${name}`}>
      <h3 id={`object-${name}`}>{name}</h3>
      {description !== undefined && <Prose text={description} />}
      {properties === undefined ? (
        <p>
          <Type schema={schema} />
        </p>
      ) : (
        <dl>
          {Object.entries(properties).map(([key, property]) => (
            <>
              <dt>
                <code>{key}</code> {required.includes(key) ? '' : <span class="small">may be missing</span>}
              </dt>
              <dd>
                <Type schema={property} />
                {typeof property === 'object' && property.description !== undefined && (
                  <>
                    {': '}
                    <Prose text={property.description} />
                  </>
                )}
              </dd>
            </>
          ))}
        </dl>
      )}
    </article>
  );
}

/** A schema in a few words; what has a name of its own is a link to it. */
function Type({ schema }: { readonly schema: JsonSchema | boolean }): Child {
  if (typeof schema === 'boolean') return 'anything';
  const { $ref, anyOf, items, additionalProperties, properties, type, format } = schema;
  if ($ref !== undefined) {
    const name = $ref.split('/').at(-1) ?? '';
    return <a href={`#object-${name}`}>{name}</a>;
  }
  if (anyOf !== undefined) {
    return anyOf.map((each, index) => (
      <>
        {index > 0 && ' or '}
        <Type schema={each} />
      </>
    ));
  }
  if (schema.enum !== undefined)
    return schema.enum.map((value, index) => (
      <>
        {index > 0 && ', '}
        <code>{String(value)}</code>
      </>
    ));
  if (schema.const !== undefined) return <code>{JSON.stringify(schema.const)}</code>;
  if (items !== undefined && !Array.isArray(items))
    return (
      <>
        list of <Type schema={items} />
      </>
    );
  if (properties !== undefined) {
    return (
      <>
        {'{ '}
        {Object.entries(properties).map(([key, property], index) => (
          <>
            {index > 0 && ', '}
            <code>{key}</code>: <Type schema={property} />
          </>
        ))}
        {' }'}
      </>
    );
  }
  if (typeof additionalProperties === 'object')
    return (
      <>
        object whose values are <Type schema={additionalProperties} />
      </>
    );
  return format === 'date-time' ? 'time' : String(type ?? 'anything');
}

/** Text whose `words` in backticks are code. */
function Prose({ text }: { readonly text: string }) {
  return <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}</>;
}

function examplesOf(schema: JsonSchema | undefined, { components }: ApiDocument): readonly unknown[] {
  const named = components.schemas[schema?.$ref?.split('/').at(-1) ?? ''];
  return Array.isArray(named?.examples) ? named.examples : [];
}

function curl({ method, path, operation }: Described, token: boolean, body: unknown): string {
  const { parameters = [], responses } = operation;
  const values = new Map(parameters.map(({ name, example }) => [name, example]));
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values.get(name) ?? name);
  const streams = JSON.stringify(responses['200'] ?? {}).includes('text/event-stream');
  return [
    `curl ${streams ? '-N ' : ''}${method === 'get' ? '' : `-X ${method.toUpperCase()} `}"$DRAFTDESK_URL${address}"`,
    ...(token ? ['-H "Authorization: Bearer $ADMIN_TOKEN"'] : []),
    ...(typeof body === 'string' ? ["-H 'Content-Type: application/x-ndjson'", '-T lines.ndjson'] : []),
    ...(typeof body === 'object' ? ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(body)}'`] : []),
  ].join(' \\\n  ');
}

function anchor(name: string): string {
  return name.toLowerCase().replaceAll(' ', '-');
}
