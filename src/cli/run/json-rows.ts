/** json-rows: the rows of a run as lines of JSON, in the order of the plan, each as soon as all before it are there. */
import { METRIC_IDS } from '../../metrics/row.ts'
import type { Cell } from '../../plan.ts'
import type { Finished } from '../../results/journal.ts'
import { print } from '../shell/streams.ts'

export class JsonRows {
  readonly #cells: readonly Pick<Cell, 'key'>[]
  readonly #finished: ReadonlyMap<string, Finished>
  #next = 0

  constructor(cells: readonly Pick<Cell, 'key'>[], finished: ReadonlyMap<string, Finished>) {
    this.#cells = cells
    this.#finished = finished
  }

  /** Prints what has become ready since the last time. */
  flush(): void {
    for (; this.#next < this.#cells.length; this.#next++) {
      const finished = this.#finished.get(this.#cells[this.#next]?.key ?? '')
      if (finished === undefined) return
      print(JSON.stringify(recordOf(finished)))
    }
  }
}

/** The columns of rows.csv by name; a row without numbers has none, and says why. */
function recordOf({ row, error }: Finished): Readonly<Record<string, unknown>> {
  const { policy, workload, params, seed, trace_hash, events, status } = row
  const numbers = row.status === 'ok' ? METRIC_IDS.map((id) => [id, row.values[id]] as const) : []
  return {
    ...{ policy, workload, params, seed, trace_hash, events },
    ...Object.fromEntries(numbers),
    status,
    ...(error === undefined ? {} : { error }),
  }
}
