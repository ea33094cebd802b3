import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import { sha256 } from '../../core/clock.ts';
import { ICON } from './icon.ts';

/** Where the pages find their style and script: the names change with the contents. */
export interface Assets {
  readonly css: string;
  readonly js: string;
  readonly icon: string;
}

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

/** Reads what `npm run bundle` made, once. Throws when it has not been made. */
export function loadAssets(): { readonly assets: Assets; readonly routes: Hono } {
  const css = asset('console', 'css', 'text/css', readBuilt('console.css'));
  const js = asset('console', 'js', 'text/javascript', readBuilt('console.js'));
  const icon = asset('icon', 'svg', 'image/svg+xml', ICON);
  const routes = new Hono();
  for (const { path, type, text } of [css, js, icon]) routes.get(path, () => serve(text, type));
  return { assets: { css: css.path, js: js.path, icon: icon.path }, routes };
}

function asset(name: string, extension: string, type: string, text: string): Asset {
  return { path: `/assets/${name}-${sha256(text).slice(0, 16)}.${extension}`, type, text };
}

function serve(text: string, type: string): Response {
  return new Response(text, {
    headers: {
      'Content-Type': `${type}; charset=utf-8`,
      'Cache-Control': 'public, max-age=31536000, immutable',
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Cross-Origin-Resource-Policy': 'same-origin',
    },
  });
}

/** From `dist/console` of this package, whether we run from `src` or from the bundle. */
function readBuilt(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  const path = join(folder, 'dist', 'console', name);
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run bundle`);
  return readFileSync(path, 'utf8');
}
