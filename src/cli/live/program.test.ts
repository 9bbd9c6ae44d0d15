/** program.test: real programs on the running kernel and in its model; what cannot run here is said aloud. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { packageRoot } from '../../load/package.ts'
import { skip } from '../../test/skip.ts'

const MAIN = join(packageRoot(), 'dist', 'src', 'cli', 'main.js')
const PROGRAMS = join(packageRoot(), 'workloads', 'recorded')
const MISSING = 5

/** What the comparison says; skips the test where there is none. */
function compared(ctx: TestContext, needs: readonly string[], command: string) {
  const absent = needs.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  const run =
    absent.length > 0
      ? { status: MISSING, stdout: '', stderr: `no ${absent.join(', ')}` }
      : spawnSync(process.execPath, [MAIN, 'live', '--json', '--program', command], {
          encoding: 'utf8',
        })
  if (run.status === 0) return JSON.parse(run.stdout)
  const why = run.stderr.trim()
  // No model of this kernel is a mistake of the command line: --against has to name one.
  if (run.status !== MISSING) expect(why).toMatch(/^cowbench: missing --against: no model/)
  return skip(ctx, why)
}

/** What it is called, the programs that it needs, and the command. */
type Case = readonly [name: string, needs: readonly string[], command: string]

test.for<Case>([
  ['Redis, BGSAVE', ['redis-server', 'redis-cli'], `sh '${PROGRAMS}/redis-bgsave.sh'`],
  ['Python, fork pools', ['python3'], `python3 '${PROGRAMS}/python-pool.py' 30000`],
])(
  '%s: reuses and faults are within 3 % of what the kernel counted',
  { timeout: 120_000 },
  ([, needs, command], ctx) => {
    const { faults, reuses, agreement } = compared(ctx, needs, command)
    const { pgreuse, byOthers, program, unexplained, lost } = reuses
    expect(pgreuse).toBe(byOthers + program + unexplained)
    // What the whole system counted is what all processes were seen to do: on a machine that others leave alone.
    if (byOthers < program && lost === 0) {
      expect(Math.abs(unexplained) / pgreuse).toBeLessThan(0.03)
    } else {
      console.log(`SKIPPED: the whole system's count: ${byOthers} of ${pgreuse} reuses by others`)
    }
    // The busier the machine, the longer an exit takes; on a quiet one this changes nothing.
    const { kernelCopies, kernelReuses } = agreement.duringExit
    const model = agreement.reuses - kernelCopies + kernelReuses
    expect(Math.abs(model - program) / program).toBeLessThan(0.03)
    expect(Math.abs(agreement.faults.shared - faults) / faults).toBeLessThan(0.03)
    // Every fault, and every decision; its outcome, but where an exit is under way.
    expect(agreement.faults.shared).toBe(agreement.faults.recorded)
    expect(agreement.decisions.shared).toBe(agreement.decisions.recorded)
    const { outcomes } = agreement
    const known = outcomes.shared + kernelCopies + kernelReuses
    expect(known / outcomes.recorded).toBeGreaterThan(0.99)
  },
)
