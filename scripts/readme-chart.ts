/** readme-chart: the picture of README.md, from the rows of the quick run. */
import type { Row } from '../src/metrics/row.ts'
import { CHARTS } from '../src/report/charts.ts'
import type { ChartSpec } from '../src/report/spec.ts'

/** Violations on the workloads that have any: all workloads side by side would be too small to read on a page. */
export function readmeChart(rows: readonly Row[]): ChartSpec {
  const broken = new Set(
    rows.flatMap((row) => (row.status === 'ok' && row.values.violations > 0 ? [row.workload] : [])),
  )
  const chart = CHARTS.find(({ id }) => id === 'violations')
  const spec = chart?.draw(rows.filter(({ workload }) => broken.has(workload)))
  if (spec === undefined) throw new Error('missing chart: violations')
  return spec
}
