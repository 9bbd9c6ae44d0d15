/**
 * c-programs: our C programs, compiled where there is a compiler.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../src/load/package.ts'

export type CProgram = 'kernel' | 'like-for-like'

const SOURCES: Readonly<Record<CProgram, string>> = {
  kernel: 'src/live/replay/kernel.c',
  'like-for-like': 'scripts/bench/like-for-like.c',
}
const PROGRAMS: readonly CProgram[] = ['kernel', 'like-for-like']

export interface Built {
  readonly programs: Readonly<Record<string, string>>
  /** Why there are none. */
  readonly reason?: string
}

/** Compiles into `dir`. */
export function buildPrograms(dir: string): Built {
  if (process.platform !== 'linux') return { programs: {}, reason: 'the C programs need Linux' }
  const programs: Record<string, string> = {}
  for (const name of PROGRAMS) {
    const source = join(packageRoot(), SOURCES[name])
    const output = join(dir, name)
    const { error, status, stderr } = spawnSync(
      'gcc',
      ['-std=gnu11', '-O2', '-Wall', '-o', output, source],
      { encoding: 'utf8' },
    )
    if (error) return { programs: {}, reason: 'no C compiler (gcc)' }
    if (status !== 0) return { programs: {}, reason: `gcc: ${stderr.split('\n')[0]}` }
    programs[name] = output
  }
  return { programs }
}
