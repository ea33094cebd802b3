import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/* What lies in deploy/ fits what the service emits. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');

const documented = new Set(
  [...read('docs/metrics.md').matchAll(/^\| `[\w.]+` \| `(\w+)` \|/gm)].map(([, name]) => name),
);

/** Names of metrics in a query, without the suffixes of a histogram's series. */
function metricsIn(query: string): string[] {
  const names = query.match(/\b(?:draftdesk|gen_ai|http|messaging|process)_\w+(?=[{[) ]|$)/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|count|sum)$/, ''));
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

const { panels, uid } = JSON.parse(read('deploy/grafana-dashboard.json')) as { panels: Panel[]; uid: string };
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

describe('the Grafana dashboard', () => {
  it('asks for metrics that exist, in every panel', () => {
    expect(uid).toBe('draftdesk');
    expect(panels.every(({ type, targets = [] }) => type === 'row' || targets.length > 0)).toBe(true);
    for (const query of queries) {
      const used = metricsIn(query).filter((name) => documented.has(name));
      expect(used, query).not.toEqual([]);
    }
  });

  it('has panels that lie beside each other, not over each other', () => {
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});

const rules = read('deploy/prometheus-alerts.yml');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const promtool = (...args: string[]) => spawnSync('promtool', args, { cwd: root, encoding: 'utf8' });

describe('the alert rules', () => {
  it('watch metrics that exist', () => {
    const queried = rules.replaceAll(/ by \([^)]*\)/g, '');
    const names = [...queried.matchAll(/\b(?:draftdesk|gen_ai|process)_\w+(?=[{[)])/g)].map(([name]) =>
      name.replace(/_(bucket|count|sum)$/, ''),
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });

  it.skipIf(!hasPromtool)('are taken by promtool, and fire in its tests', () => {
    expect(promtool('check', 'rules', 'deploy/prometheus-alerts.yml').stdout).toContain('11 rules found');
    expect(promtool('test', 'rules', 'deploy/prometheus-alerts.test.yml').status).toBe(0);
  });

  it.skipIf(!hasPromtool)('and the queries of the dashboard are PromQL', () => {
    const list = queries.map((expr, at) => `      - record: q${at}\n        expr: ${JSON.stringify(expr)}`);
    const file = `groups:\n  - name: dashboard\n    rules:\n${list.join('\n')}\n`.replaceAll('$__rate_interval', '5m');
    const folder = mkdtempSync(join(tmpdir(), 'draftdesk-'));
    writeFileSync(join(folder, 'rules.yml'), file);
    const { status, stderr } = promtool('check', 'rules', '--lint=none', join(folder, 'rules.yml'));
    rmSync(folder, { recursive: true });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('the Collector', () => {
  it('has every part that its pipelines name', () => {
    const text = read('deploy/otel-collector.yml').replaceAll(/#.*$/gm, '');
    const used = [...text.matchAll(/^ {6}(receivers|processors|exporters): \[(.*)\]$/gm)].flatMap(([, kind, list]) =>
      (list ?? '').split(', ').map((name) => [kind ?? '', name] as const),
    );
    expect(used.length).toBeGreaterThan(5);
    for (const [kind, name] of used) {
      const section = new RegExp(`^${kind}:\\n((?:[ ].*\\n|\\n)+)`, 'm').exec(text)?.[1] ?? '';
      expect(section, `${kind} ${name}`).toMatch(new RegExp(`^ {2}${name}:`, 'm'));
    }
  });
});
