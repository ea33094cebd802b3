import type { Child, FC } from 'hono/jsx';
import type { Progress } from '../../core/service-control.ts';
import type { Assets } from './assets.ts';
import { Action, Live } from './components.tsx';
import type { Problem, Visit } from './page.tsx';
import type { Flash } from './sessions.ts';

/** In the order of the navigation. */
const SECTIONS = {
  Overview: '/',
  Tickets: '/tickets',
  Batches: '/batches',
  'Dead letters': '/dead-letters',
  Knowledge: '/knowledge',
  Settings: '/settings',
} as const;

/** Which entry of the navigation a page belongs to; null: none. */
export type Section = keyof typeof SECTIONS | null;

interface DocumentProps {
  readonly title: string;
  readonly assets: Assets;
  readonly children?: Child;
}

const Document: FC<DocumentProps> = ({ title, assets, children }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex" />
      <title>{title} · Draftdesk</title>
      <link rel="icon" type="image/svg+xml" href={assets.icon} />
      <link rel="stylesheet" href={assets.css} />
      <script type="module" src={assets.js} />
    </head>
    {children}
  </html>
);

export interface ShellProps {
  readonly title: string;
  readonly section: Section;
  readonly body: Child;
  readonly assets: Assets;
  readonly progress: Progress;
  readonly visit: Visit;
  readonly flash: Flash | null;
}

/** The frame of every page of somebody who is signed in. */
export const Shell: FC<ShellProps> = ({ title, section, body, assets, progress, visit, flash }) => (
  <Document title={title} assets={assets}>
    <body data-live-source="/live">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <div class="bar">
          <a class="brand" href="/">
            <img src={assets.icon} alt="" width="24" height="24" />
            Draftdesk
          </a>
          <nav aria-label="Console">
            <ul>
              {Object.entries(SECTIONS).map(([name, path]) => (
                <li>
                  <a href={path} {...(name === section ? { 'aria-current': 'page' } : {})}>
                    {name}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <div class="who">
            <span>
              {visit.admin.name} <span class="muted">({visit.admin.role})</span>
            </span>
            <form method="post" action="/logout">
              <button class="quiet" type="submit">
                Sign out
              </button>
            </form>
          </div>
        </div>
        <Live id="service-state">
          <ServiceState progress={progress} canChange={visit.canChange} />
        </Live>
      </header>
      <main id="main" tabindex={-1}>
        {flash !== null && (
          <p class={`flash ${flash.tone}`} role={flash.tone === 'bad' ? 'alert' : 'status'}>
            {flash.text}
          </p>
        )}
        <h1>{title}</h1>
        {body}
      </main>
    </body>
  </Document>
);

/** Runs, paused or partly standing still: in words, with the button that changes it. */
const ServiceState: FC<{ progress: Progress; canChange: boolean }> = ({ progress, canChange }) => {
  const { paused, pauses, workers } = progress;
  const state = paused ? 'paused' : pauses.length > 0 ? 'degraded' : 'running';
  return (
    <div class={`state ${state}`}>
      <p>
        <strong class={`chip ${STATE_TONE[state]}`}>{state}</strong>{' '}
        <span>{state === 'running' ? `${workers.busy} of ${workers.total} workers busy` : reasonsOf(progress)}</span>
      </p>
      {canChange && pauses.length > 0 && <Action to="/resume" label="Resume" />}
      {canChange && !paused && (
        <Action to="/pause" label="Pause" kind="quiet" confirm="Stop taking work? What is in flight finishes." />
      )}
    </div>
  );
};

const STATE_TONE = { running: 'good', paused: 'wait', degraded: 'bad' } as const;

function reasonsOf({ pauses }: Progress): string {
  return pauses
    .map(({ scope, reason }) => (scope === 'all' ? `No new work is taken: ${reason}` : `${scope}: ${reason}`))
    .join(' · ');
}

/** What went wrong, as RFC 9457 says it, for a person. */
export const ErrorView: FC<{ problem: Problem }> = ({ problem: { detail, errors = [], requestId, status } }) => (
  <>
    <p>{detail}</p>
    {errors.length > 0 && (
      <ul>
        {errors.map(({ path, message }) => (
          <li>
            <code>{path}</code> {message}
          </li>
        ))}
      </ul>
    )}
    <p class="muted">
      Status {status}
      {requestId === undefined ? null : `, request ${requestId}`}
    </p>
    <p>
      <a href="/">To the overview</a>
    </p>
  </>
);

/** A problem for somebody of whom nothing is known. */
export const BareError: FC<{ assets: Assets; problem: Problem }> = ({ assets, problem }) => (
  <Document title={problem.title} assets={assets}>
    <body class="alone">
      <main id="main">
        <h1>{problem.title}</h1>
        <ErrorView problem={problem} />
      </main>
    </body>
  </Document>
);

export interface SignInProps {
  readonly assets: Assets;
  /** The page to go to then. */
  readonly next: string;
  /** The browser has not kept the cookie. */
  readonly lost?: boolean;
  readonly problem?: string;
}

export const SignInView: FC<SignInProps> = ({ assets, next, lost = false, problem }) => (
  <Document title="Sign in" assets={assets}>
    <body class="alone" data-signed-out>
      <main id="main">
        <form class="card sign-in" method="post" action="/login">
          <img src={assets.icon} alt="" width="40" height="40" />
          <h1>Draftdesk</h1>
          {problem !== undefined && (
            <p class="flash bad" role="alert" id="problem">
              {problem}
            </p>
          )}
          {lost && (
            <p class="flash bad" role="alert">
              This browser has not kept the sign-in: it does so over https, or at localhost. Put a proxy with TLS before
              Draftdesk, or open it through a tunnel.
            </p>
          )}
          <label for="token">Admin token</label>
          <input
            id="token"
            name="token"
            type="password"
            autocomplete="current-password"
            required
            autofocus
            {...(problem === undefined ? {} : { 'aria-invalid': 'true', 'aria-describedby': 'problem' })}
          />
          <input type="hidden" name="next" value={next} />
          <button type="submit">Sign in</button>
          <p class="muted">
            One of <code>ADMIN_TOKEN</code>, or of a line in <code>ADMIN_TOKENS_FILE</code>. You stay signed in for 12
            hours, or until the service restarts.
          </p>
        </form>
      </main>
    </body>
  </Document>
);
