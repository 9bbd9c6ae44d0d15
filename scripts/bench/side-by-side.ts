/**
 * side-by-side: two samples at the same time on one CPU, in the scheduler's turns of a few milliseconds. What
 * neighbours and the clock frequency do meets both alike: a sample and its twin, which differ by 11 % (standard
 * deviation) one after the other, differ by 2 to 7 %.
 */
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'

/** A process starts in 100 ms, and a trace of 40 MB is read in 50: much less than this, two at a time on one CPU. */
const READ_MS = 500

/** Words before a command that keep it, and all that it starts, on one CPU; none where there is no taskset. */
export function onOneCpu(): readonly string[] {
  const cpu = lastAllowedCpu()
  if (cpu === undefined) return []
  const words = ['taskset', '-c', cpu]
  return spawnSync('taskset', ['-c', cpu, 'true']).status === 0 ? words : []
}

function lastAllowedCpu(): string | undefined {
  try {
    const status = readFileSync('/proc/self/status', 'latin1')
    return /^Cpus_allowed_list:.*?(\d+)$/m.exec(status)?.[1]
  } catch {
    return undefined
  }
}

/** When two samples that are started now have both read their trace. */
export function commonStart(): number {
  return Date.now() + READ_MS
}

/** CPU milliseconds of a sample (sample.ts) in a process of its own. */
export async function sampleElsewhere(name: string, options: object): Promise<number> {
  // The program that this process runs is sample.ts, wherever the build put it.
  const args = [...process.execArgv, process.argv[1] ?? '', name, JSON.stringify(options)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { encoding: 'utf8' })
  return (JSON.parse(stdout) as { cpuMs: number }).cpuMs
}

export interface OraclePairsOptions {
  readonly trace: string
  readonly policy: string
  readonly pairs: number
}

/** The trace with and without the oracle, side by side: CPU milliseconds as `on PAIR` and `off PAIR`, pairs from 0. */
export async function measureOraclePairs({
  pairs,
  ...common
}: OraclePairsOptions): Promise<Record<string, number>> {
  const spent: Record<string, number> = {}
  for (let pair = 0; pair < pairs; pair++) {
    const startAt = commonStart()
    const [on, off] = await Promise.all([
      sampleElsewhere('simulate', { ...common, oracle: 'on', startAt }),
      sampleElsewhere('simulate', { ...common, oracle: 'off', startAt }),
    ])
    spent[`on ${pair}`] = on
    spent[`off ${pair}`] = off
  }
  return spent
}
