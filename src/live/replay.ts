/** replay: a trace on the running kernel, by real processes (replay/kernel.c); this file tells what that takes. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../load/package.ts'
import { compile } from './build.ts'

/** Compiles into `folder`. Throws MissingFacility where there is no compiler or no C library to compile with. */
export function replayProgram(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const program = join(folder, 'kernel')
  const source = join(packageRoot(), 'src', 'live', 'replay', 'kernel.c')
  compile(program, [source], ['-std=gnu11', '-O2', '-Wall'])
  return program
}

/**
 * Nanoseconds of CPU time that forks, faults and exits of the trace in `file` take: all but its loads and stores
 * themselves. `driver` gives the program a CPU to itself.
 */
export function replay(program: string, driver: string, file: string): number {
  const text = execFileSync(driver, ['alone', program, file, 'plain'], { encoding: 'utf8' })
  const { cpuMs, childrenMs, plainMs } = JSON.parse(text) as Readonly<Record<string, number>>
  return 1e6 * (number(cpuMs) + number(childrenMs) - number(plainMs))
}

function number(value: number | undefined): number {
  if (value === undefined) throw new RangeError('missing number: of the replayed trace')
  return value
}
