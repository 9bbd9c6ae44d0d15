/** costs: estimated times of two runs are compared only where one cost profile made both. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { METRICS, type MetricId } from '../../metrics/schema.ts'
import { MANIFEST } from '../../results/directory.ts'
import { readManifest } from '../../results/manifest.ts'

/** `bare-metal in results/a, vm in results/b`, or undefined if the costs are the same or not known. */
export function differentCosts(base: string, next: string): string | undefined {
  const [one, other] = [costOf(base), costOf(next)]
  if (one === undefined || other === undefined || one.costs === other.costs) return undefined
  return `${one.name} in ${base}, ${other.name} in ${next}`
}

/** Is it a time, which depends on the cost profile? */
export function isEstimated(metric: MetricId): boolean {
  return METRICS.some(({ id, unit }) => id === metric && unit === 'ns')
}

/** Two profiles of one name may differ: the numbers count. */
function costOf(dir: string): { readonly name: string; readonly costs: string } | undefined {
  if (!existsSync(join(dir, MANIFEST))) return undefined
  const { name, ...costs } = readManifest(dir).cost
  return { name: String(name), costs: JSON.stringify(Object.entries(costs).sort()) }
}
