/**
 * own-bits: runs anon-exclusive and early-decow beside the files in docs/examples that say the same with bits of their
 * own, for tests that hold the two equal.
 */
import { join } from 'node:path'
import { WORKLOADS } from '../../workloads/index.ts'
import { readTests } from '../litmus/library.ts'
import type { LitmusTest } from '../litmus/program.ts'
import { runLitmus } from '../litmus/run.ts'
import { packageRoot } from '../load/package.ts'
import { loadPolicy } from '../load/policies.ts'
import { loadTrace } from '../load/trace-file.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { ParamValue } from '../params/params.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { litmusMachine, missingCapability, type SimulateResult, simulate } from '../run.ts'
import type { Trace } from '../trace/trace.ts'
import { buildTrace, completeValues, type GivenValues } from '../workload/api.ts'

type Settings = Readonly<Record<string, ParamValue>>
type Pair = readonly [own: string, model: string, params: Settings]

/** Who is written again, with which parameters: the second is what later kernels do. */
export const PAIRS: readonly Pair[] = [
  ['own-exclusive', 'anon-exclusive', {}],
  [
    'own-exclusive',
    'anon-exclusive',
    { mprotectUpgrade: 'any', swapinWritable: true, wpResolveWritable: true },
  ],
  ['own-dontcow', 'early-decow', {}],
]

const cost = DEFAULT_PROFILE

/** The policy of the file and the one that comes with the program. */
export async function both(
  own: string,
  model: string,
): Promise<[PolicyDefinition, PolicyDefinition]> {
  const path = join(packageRoot(), 'docs', 'examples', `${own}.ts`)
  return [(await loadPolicy(path)).definition, (await loadPolicy(model)).definition]
}

/** Everything that can be told about one cell. */
export function run(
  policy: PolicyDefinition,
  params: Settings,
  trace: Trace,
): Pick<SimulateResult, 'values' | 'verdicts' | 'breaches'> {
  const { values, verdicts, breaches } = simulate({
    ...{ policy, params, cost, trace, oracle: 'epoch', check: false },
  })
  return { values, verdicts, breaches }
}

/** Cells of every quick workload that the policy is fit for, by workload; `given` may make them smaller. */
export function quickCells(
  policy: PolicyDefinition,
  params: Settings,
  given: (workload: string) => GivenValues,
): Map<string, unknown> {
  const cells = new Map<string, unknown>()
  for (const workload of WORKLOADS.filter(({ inQuickRun }) => inQuickRun)) {
    const values = given(workload.name)
    if (missingCapability(policy, workload.needs(completeValues(workload, values)))) continue
    cells.set(workload.name, run(policy, params, buildTrace(workload, values, 1)))
  }
  return cells
}

/** The quick run's recorded program. */
export async function recordedCell(policy: PolicyDefinition, params: Settings): Promise<unknown> {
  const path = join(packageRoot(), 'workloads/recorded/redis-bgsave.perf.txt.gz')
  return run(policy, params, (await loadTrace(path)).trace)
}

/** Every test that comes with the program, on both swap devices: what each operation shows. */
export function litmusResults(policy: PolicyDefinition, params: Settings): Map<string, string[]> {
  const folders = ['.', 'failures', 'live', 'races', 'rules'].map(
    (folder) => `workloads/litmus/${folder}`,
  )
  const tests = folders.flatMap((folder) => [...readTests(join(packageRoot(), folder)).values()])
  const results = new Map<string, string[]>()
  for (const test of tests) {
    for (const swapDisk of [false, true]) {
      results.set(`${test.file} ${swapDisk}`, shown(policy, params, test, swapDisk))
    }
  }
  return results
}

function shown(
  policy: PolicyDefinition,
  params: Settings,
  test: LitmusTest,
  swapDisk: boolean,
): string[] {
  const machine = () => litmusMachine({ policy, params, cost, swapDisk })
  return runLitmus(test, machine, { policy: 'either' }).map((result) => JSON.stringify(result))
}
