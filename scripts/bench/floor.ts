/**
 * floor: events per second and bytes per page, which no change may let fall below what was promised first.
 */

import { POLICY } from './ratios.ts'
import type { SampleRunner } from './samples.ts'
import { spreadOf } from './statistics.ts'

const FLOOR_EVENTS_PER_SECOND = 40e6
const FLOOR_BYTES_PER_PAGE = 32
const FLOOR_BYTES_PER_FORKED_PTE = 16
/** 8 GiB of simulated memory: all else in the process is small beside it. */
const HEAP_PAGES = 2 * 2 ** 20

/** Measures and prints; says of each promise whether it is kept. */
export function measureFloor(runner: SampleRunner, rounds: number): void {
  const names = ['bg', 'fh'] as const
  const speeds: number[][] = names.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, workload] of names.entries()) {
      const { events = 0, cpuMs = 0 } = runner.run({
        name: 'simulate',
        trace: { workload, repeat: 10 },
        options: { policy: POLICY, oracle: 'on' },
      })
      speeds[i]!.push(events / (cpuMs / 1e3))
    }
  }
  for (const [i, name] of names.entries()) {
    const { median, min, max } = spreadOf(speeds[i]!)
    const range = `${millions(min)} to ${millions(max)}`
    const floor = name === 'bg' ? verdict(median >= FLOOR_EVENTS_PER_SECOND, 'at least 40 M/s') : ''
    print(`${name}: ${millions(median)} M events/s CPU, oracle on (${range})${floor}`)
  }
  const { bytesPerPage = 0, bytesPerForkedPte = 0 } = runner.run({
    name: 'memory',
    options: { policy: POLICY, pages: HEAP_PAGES },
  })
  const pages = verdict(bytesPerPage <= FLOOR_BYTES_PER_PAGE, `at most ${FLOOR_BYTES_PER_PAGE}`)
  const ptes = verdict(
    bytesPerForkedPte <= FLOOR_BYTES_PER_FORKED_PTE,
    `at most ${FLOOR_BYTES_PER_FORKED_PTE}`,
  )
  print(`memory: ${bytesPerPage.toFixed(1)} bytes per simulated page${pages}`)
  print(`memory: ${bytesPerForkedPte.toFixed(1)} bytes per forked PTE${ptes}`)
}

function verdict(met: boolean, floor: string): string {
  return `; floor: ${floor}: ${met ? 'met' : 'NOT MET'}`
}

function millions(value: number): string {
  return (value / 1e6).toFixed(1)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
