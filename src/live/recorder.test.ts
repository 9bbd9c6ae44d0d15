/** recorder.test: a program recorded on the running kernel, where perf can; elsewhere skipped with the reason. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { skip } from '../test/skip.ts'
import { driverProgram } from './build.ts'
import { demandLinuxRoot, MissingFacility } from './facilities.ts'
import { demandPerf } from './perf.ts'
import { recordTrace } from './recorder.ts'

/** Why nothing can be recorded here, if so. */
function reasonToSkip(): string | undefined {
  try {
    demandLinuxRoot()
    demandPerf()
    driverProgram()
    return undefined
  } catch (error) {
    if (error instanceof MissingFacility) return error.message
    throw error
  }
}

test('a shell and its children are recorded, counted, stripped and imported', async (ctx) => {
  const why = reasonToSkip()
  if (why !== undefined) skip(ctx, why)
  const folder = mkdtempSync(join(tmpdir(), 'cowbench-test-'))
  try {
    const text = join(folder, 'perf.txt')
    const command = ['sh', '-c', '(exit 1); (exit 2); exit 3']
    const { recording, loaded } = await recordTrace(
      { command, counter: driverProgram(), system: false },
      { strip: true, text, outcomes: false },
    )
    // perf's own exit code is that of the command.
    expect(recording.exitCode).toBe(3)
    // The shell and two subshells, and what counts their faults.
    expect(loaded.trace.processes).toBeGreaterThanOrEqual(4)
    const faults = Object.values(loaded.statistics?.faults ?? {}).reduce((a, b) => a + b, 0)
    // The counting program's own faults are in the trace only; a shell takes hundreds.
    expect(recording.faults).toBeGreaterThan(100)
    expect(Math.abs(faults - (recording.faults ?? 0))).toBeLessThan(100)
    expect(readFileSync(text, 'utf8')).not.toMatch(/libc|\bsh\b/)
    expect(existsSync(recording.folder)).toBe(false)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
