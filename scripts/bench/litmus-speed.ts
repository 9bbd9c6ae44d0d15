/**
 * litmus-speed: how many litmus tests one process runs in a second, under every policy.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Bench } from 'tinybench'
import { POLICIES } from '../../policies/index.ts'
import { parseLitmus } from '../../src/litmus/parse.ts'
import { runLitmus } from '../../src/litmus/run.ts'
import { packageRoot } from '../../src/load/package.ts'
import { DEFAULT_PROFILE } from '../../src/metrics/cost.ts'
import { LitmusMachines } from '../../src/run.ts'

/** A test under one policy counts as one. */
export async function measureLitmus(): Promise<{ readonly testsPerSecond: number }> {
  const folder = join(packageRoot(), 'workloads', 'litmus')
  const tests = readdirSync(folder)
    .filter((name) => name.endsWith('.cow'))
    .map((name) => parseLitmus(readFileSync(join(folder, name), 'utf8'), name))
  const cost = DEFAULT_PROFILE
  const machines = new LitmusMachines()
  const bench = new Bench({ time: 1000, warmupTime: 500, iterations: 2, now: cpuMs })
  bench.add('litmus', () => {
    for (const policy of POLICIES) {
      for (const test of tests) {
        runLitmus(test, () => machines.next({ policy, params: {}, cost }), { policy: policy.name })
      }
    }
  })
  const [task] = await bench.run()
  if (task?.result.state !== 'completed') throw new Error(`litmus: ${task?.result.state}`)
  return { testsPerSecond: (tests.length * POLICIES.length * 1e3) / task.result.latency.p50 }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e3
}
