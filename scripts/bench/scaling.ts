/**
 * scaling: a run of all policies on two cores against one: with two jobs, and with one job kept on one CPU, since V8's
 * own threads would take the second core for a fifth of the work. Wall time says something only where nobody else wants
 * the cores.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RatioEntry, rounded } from './report.ts'
import { onOneCpu } from './side-by-side.ts'
import { spreadOf } from './statistics.ts'

export const SCALING = { id: 'P11', title: 'a run of 16 policies on two cores against one' }
const MUST = 1.5
const AIM = 1.9
const IDLE = 0.9
/** Seconds that a round waits for idle cores. */
const PATIENCE = 10

export async function measureScaling(
  cli: string,
  rounds: number,
  quick: boolean,
): Promise<RatioEntry> {
  const ratios: number[] = []
  const none = { value: null, spread: null, interval: null, must: MUST, aim: AIM, met: null }
  for (let round = 0; round < rounds; round++) {
    let idle = await leastIdle()
    for (let second = 1; second < PATIENCE && idle < IDLE; second++) idle = await leastIdle()
    if (idle < IDLE) {
      const reason = `a core was ${Math.round(100 * idle)} % idle for a second before; needed: 90 %`
      return { title: SCALING.title, unit: 'x', ...none, reason }
    }
    ratios.push(wallMs(cli, 1, quick, onOneCpu()) / wallMs(cli, 2, quick, []))
  }
  const { median, min, max, low, high } = spreadOf(ratios)
  return {
    ...{ title: SCALING.title, unit: 'x', value: rounded(median) },
    ...{ spread: [rounded(min), rounded(max)], interval: [rounded(low), rounded(high)] },
    ...{ must: MUST, aim: AIM, met: median >= MUST },
  }
}

/** Of the two idlest cores, how idle the busier one is over a second: 0 to 1. */
async function leastIdle(): Promise<number> {
  const before = ticks()
  await sleep(1000)
  const shares = ticks().map(({ idle, total }, i) => {
    const was = before[i] ?? { idle: 0, total: 0 }
    return (idle - was.idle) / Math.max(1, total - was.total)
  })
  return shares.sort((a, b) => b - a)[1] ?? 0
}

function ticks(): { readonly idle: number; readonly total: number }[] {
  let stat = ''
  try {
    stat = readFileSync('/proc/stat', 'latin1')
  } catch {
    return []
  }
  return stat
    .split('\n')
    .filter((line) => /^cpu\d/.test(line))
    .map((line) => {
      const fields = line.split(/\s+/).slice(1).map(Number)
      return { idle: fields[3] ?? 0, total: fields.reduce((sum, field) => sum + field, 0) }
    })
}

function wallMs(cli: string, jobs: number, quick: boolean, keep: readonly string[]): number {
  const out = mkdtempSync(join(tmpdir(), 'cowbench-scaling-'))
  // 3 x 10^7 events, the most that are kept in memory: each thread compiles for itself, whatever the length.
  const size = ['--param', quick ? 'accesses=50000' : 'rounds=30']
  const run = [cli, 'run', '--workload', 'bg', ...size, '--jobs', `${jobs}`]
  const [first, ...rest] = [...keep, process.execPath, ...run, '--out', out, '--overwrite']
  const started = performance.now()
  const { status } = spawnSync(first, rest, { stdio: 'ignore' })
  rmSync(out, { recursive: true, force: true })
  if (status !== 0) throw new Error(`cowbench run: ended with ${status}`)
  return performance.now() - started
}
