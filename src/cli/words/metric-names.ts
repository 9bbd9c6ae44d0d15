/** metric-names: metrics as the command line names them. */
import { METRICS, type MetricId } from '../../metrics/schema.ts'
import { unknown } from '../../params/closest.ts'
import { UsageError } from './usage-error.ts'

export function metricsNamed(names: readonly string[]): MetricId[] {
  const ids = METRICS.map(({ id }) => id)
  return names.map((name) => {
    const id = ids.find((known) => known === name)
    if (id === undefined) throw new UsageError(unknown('metric', name, ids))
    return id
  })
}
