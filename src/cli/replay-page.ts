import { createHash } from 'node:crypto';
import type { ReplayedTicket } from '../core/replay-result.ts';
import { decimal, figuresOf, type ReplayComparison } from './replay-figures.ts';
import { Markup, markup } from './markup.ts';

/** A draft beside what people answered. */
export interface ReplayPair {
  readonly id: string;
  readonly similarity: number | null;
  /** On the last run; null: it had none. */
  readonly lastSimilarity: number | null;
  readonly subject: string;
  readonly question: string;
  readonly reply: string;
  readonly draft: string;
}

export interface ReportPage extends ReplayComparison {
  readonly pairs: readonly ReplayPair[];
  /** ISO 8601. */
  readonly time: string;
}

const NAMED_MAX = 100;

const STYLE = `
:root{color-scheme:light dark;--line:light-dark(#c9ccd1,#4a4f57);--soft:light-dark(#f4f5f7,#22262c);--bad:light-dark(#a11,#ff8a80)}
body{font:16px/1.5 system-ui,sans-serif;max-width:76rem;margin:0 auto;padding:1rem;color:light-dark(#1c1f23,#e6e8eb);background:light-dark(#fff,#15181c)}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}h3{font-size:1rem;margin:0 0 .5rem}
.wide{overflow-x:auto}table{border-collapse:collapse}h4{font-size:.875rem;margin:0 0 .25rem}th,td{text-align:left;padding:.25rem 1rem .25rem 0;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums;white-space:pre}
.bad{color:var(--bad);font-weight:600}article{border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1rem 0}
.texts{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr))}
.text{background:var(--soft);border-radius:.25rem;padding:.75rem;margin:0;white-space:pre-wrap;overflow-wrap:anywhere;max-height:24rem;overflow-y:auto}
`;
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

/** A page that stands for itself: no script, nothing from elsewhere, and every text as text. */
export function reportPage(page: ReportPage): string {
  const { now, last, regressions, pairs, time } = page;
  const against =
    last === null
      ? 'The first replay: there is none to compare it with.'
      : `Beside run ${last.id}, on the tickets that both have.`;
  const { source } = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Replay ${now.id}</title>
${new Markup(`<style>${STYLE}</style>`)}
</head>
<body>
<main>
<h1>Replay ${now.id}</h1>
<p>${time}. This page holds what customers wrote: keep it as you keep their tickets.</p>
<p>${against}</p>
${regressions.map((sentence) => markup`<p class="bad">${sentence}</p>`)}
${figureTable(page)}
<h2>Least like what people answered</h2>
${pairs.length === 0 ? markup`<p>No draft could be compared.</p>` : pairs.map(pairMarkup)}
${namedMarkup('Declined', now.tickets, 'declined')}${namedMarkup('Failed', now.tickets, 'failed')}</main>
</body>
</html>
`;
  return source;
}

function figureTable(page: ReplayComparison): Markup {
  const rows = figuresOf(page).map(
    ({ label, now, last, change }) =>
      markup`<tr><th scope="row">${label}</th><td>${now}</td><td>${last}</td><td>${change}</td></tr>`,
  );
  return markup`<div class="wide" role="region" aria-label="Figures" tabindex="0"><table>
<thead><tr><th scope="col">Figure</th><th scope="col">this run</th><th scope="col">last run</th><th scope="col">difference</th></tr></thead>
<tbody>${rows}</tbody>
</table></div>`;
}

/** Which tickets have ended so; nothing where none has. */
function namedMarkup(title: string, tickets: readonly ReplayedTicket[], outcome: ReplayedTicket['outcome']): Markup {
  const ids = tickets.filter((ticket) => ticket.outcome === outcome).map(({ id }) => id);
  if (ids.length === 0) return markup``;
  const more = ids.length > NAMED_MAX ? ` and ${ids.length - NAMED_MAX} more` : '';
  return markup`<h2>${title}</h2>
<p>${ids.slice(0, NAMED_MAX).join(', ')}${more}</p>
`;
}

function pairMarkup({ id, subject, similarity, lastSimilarity, question, reply, draft }: ReplayPair): Markup {
  const before = lastSimilarity === null ? '' : `, ${decimal(lastSimilarity)} in the last run`;
  return markup`<article>
<h3 dir="auto">${id}: ${subject}</h3>
<p>Similarity ${decimal(similarity)}${before}</p>
<div class="texts">
${[text(id, 'The customer', question), text(id, 'What people answered', reply), text(id, 'The draft', draft)]}
</div>
</article>
`;
}

function text(id: string, title: string, written: string): Markup {
  const name = `${title}, ${id}`;
  return markup`<div><h4>${title}</h4><p class="text" dir="auto" role="region" aria-label="${name}" tabindex="0">${written}</p></div>
`;
}
