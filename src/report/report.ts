/**
 * A report from saved rows alone: charts as Vega-Lite, SVG and PNG, and report.html. Nothing is simulated, and no row
 * is touched.
 */
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { replaceFile } from '../files/replace-file.ts'
import { MANIFEST } from '../results/directory.ts'
import { readManifest } from '../results/manifest.ts'
import { readSomeRows } from '../results/rows.ts'
import { CHARTS } from './charts.ts'
import { knownFailuresHeatmap } from './heatmap.ts'
import { type DrawnChart, reportHtml } from './html.ts'
import { readFailures } from './known-failures.ts'
import { toPng, toSvg } from './render.ts'
import { specText } from './spec.ts'

const SUFFIXES = ['vl.json', 'svg', 'png'] as const
const KNOWN_FAILURES = 'known-failures'

/**
 * Writes DIR/charts/<id>.vl.json, .svg and .png, and DIR/report.html; returns their paths. Charts of an earlier report
 * that these rows no longer have are removed. Where DIR has a known-failures.csv that is one chart more, or, without a
 * rows.csv, the only one and no report.html. Throws Error in one line for a directory without rows, or foreign rows.
 */
export async function writeReport(dir: string): Promise<string[]> {
  const verdicts = readFailures(dir)
  const alone = verdicts.length > 0 && !existsSync(join(dir, 'rows.csv'))
  const rows = alone ? [] : readSomeRows(dir)
  const manifest = existsSync(join(dir, MANIFEST)) ? readManifest(dir) : undefined
  const charts: DrawnChart[] = [
    ...(alone ? [] : CHARTS.map(({ id, what, draw }) => ({ id, what, spec: draw(rows) }))),
    {
      id: KNOWN_FAILURES,
      what: 'which failures of the past each policy still has',
      spec: knownFailuresHeatmap(verdicts),
    },
  ].flatMap(({ id, what, spec }) => (spec ? [{ id, what, spec }] : []))

  const folder = join(dir, 'charts')
  await mkdir(folder, { recursive: true })
  for (const id of [...CHARTS.map((chart) => chart.id), KNOWN_FAILURES]) {
    if (charts.some((chart) => chart.id === id)) continue
    for (const suffix of SUFFIXES) await rm(join(folder, `${id}.${suffix}`), { force: true })
  }
  const written: string[] = []
  const write = (path: string, content: string | Uint8Array): void => {
    replaceFile(path, content)
    written.push(path)
  }
  for (const { id, spec } of charts) {
    const svg = await toSvg(spec)
    write(join(folder, `${id}.vl.json`), specText(spec))
    write(join(folder, `${id}.svg`), `${svg}\n`)
    write(join(folder, `${id}.png`), await toPng(svg))
  }
  if (alone) return written
  const name = manifest?.name ?? basename(resolve(dir))
  write(join(dir, 'report.html'), reportHtml({ name, rows, charts, manifest }))
  return written
}
