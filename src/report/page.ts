/**
 * The fixed parts of report.html: its style, and the few lines that hand the charts to vega-embed.
 */

export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1f2328; --soft: #57606a; --line: #d0d7de; --band: #f3f5f7; --link: #0550ae;
  --bad: #a40e26;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181d; --ink: #e6e9ed; --soft: #aeb7c2; --line: #3a414b; --band: #1f242b; --link: #7db7ff;
    --bad: #ff9492;
  }
}
body {
  margin: 0 auto; max-width: 80rem; padding: 1rem 1.5rem 4rem;
  background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.6rem; margin: 0.5rem 0 0; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 0.5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.8rem 0 0.2rem; }
a { color: var(--link); }
p { margin: 0.3rem 0 0.8rem; max-width: 50rem; }
.soft { color: var(--soft); }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.2rem 1.4rem; list-style: none; padding: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
caption { text-align: left; color: var(--soft); padding: 0.2rem 0; }
th, td { padding: 0.15rem 0.7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; font-weight: normal; }
thead th { font-weight: 600; vertical-align: bottom; }
thead th:first-child { font-weight: 600; }
tbody tr:nth-child(even) { background: var(--band); }
.bad { color: var(--bad); font-weight: 600; }
.swatch {
  display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.5em;
  border: 1px solid var(--soft); border-radius: 2px;
}
figure { margin: 1rem 0 2rem; }
/* Charts keep their white paper in the dark too: their colours were chosen on it. */
.chart { background: #ffffff; border: 1px solid var(--line); border-radius: 6px; min-height: 3rem; }
/* vega-embed makes it inline-block, which grows with the chart and takes the page along. */
.chart.vega-embed { display: block; }
.chart p { color: #1f2328; padding: 0 1rem; }
figcaption { color: var(--soft); font-size: 0.9rem; }
.facts th { text-align: left; }
.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.facts th { vertical-align: top; }
`

/** Needs `vegaEmbed`, and the specs in the element `specs`. Expressions are interpreted, so that no eval is allowed. */
export const SCRIPT = `
const specs = JSON.parse(document.getElementById('specs').textContent)
for (const [id, spec] of Object.entries(specs)) {
  const place = document.getElementById('chart-' + id)
  vegaEmbed(place, spec, {
    mode: 'vega-lite',
    renderer: 'svg',
    ast: true,
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: id,
  }).then(() => {
    // The menu is three dots without a name.
    place.querySelector('summary').setAttribute('aria-label', 'Save ' + id)
  }).catch((error) => {
    place.textContent = 'This chart could not be drawn: ' + error.message
    console.error(error)
  })
}
`
