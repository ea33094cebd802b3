/** Of `/docs`: contrasts are 4.5:1 or more in both schemes (WCAG 2.2 AA). */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --text: #1d2330; --soft: #515a6b; --page: #ffffff; --panel: #f3f5f9; --line: #c9d0dc; --link: #1a55b0; --get: #17603b; --post: #1a55b0; --delete: #a3231f; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e5e9f1; --soft: #aab3c3; --page: #12151c; --panel: #1c212b; --line: #3a4252; --link: #8ab8ff; --get: #7dd3a3; --post: #8ab8ff; --delete: #ff9c94; }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--page); font: 1rem/1.55 system-ui, sans-serif; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--page); z-index: 1; }
main { max-width: 60rem; padding: 1rem 1.5rem 4rem; }
nav { padding: 1rem 1.5rem; background: var(--panel); font-size: .9rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { margin: .25rem 0; overflow-wrap: anywhere; }
nav li li { padding-left: .75rem; }
nav a { display: inline-block; min-height: 1.5rem; }
h2 { margin-top: 3rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; }
article { margin: 1.25rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; }
article p { margin: .5rem 0; }
.small { color: var(--soft); font-size: .875rem; }
.method { font: 700 .8rem ui-monospace, monospace; }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
pre { margin: .5rem 0; padding: .75rem; overflow-x: auto; max-height: 24rem; background: var(--panel); border-radius: .25rem; }
pre code { overflow-wrap: normal; }
summary { cursor: pointer; min-height: 1.5rem; color: var(--soft); font-size: .875rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
dl { margin: .5rem 0; }
dt { margin-top: .4rem; }
dd { margin: 0 0 0 1.5rem; font-size: .9rem; overflow-wrap: anywhere; }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 20rem 1fr; }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; }
}
`;
