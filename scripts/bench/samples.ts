/**
 * samples: what can be measured, each in a process of its own: the simulator, our C programs, whole commands. Every
 * sample gives numbers by name.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { CProgram } from './c-programs.ts'
import { onOneCpu } from './side-by-side.ts'
import type { TraceFiles, TraceSpec } from './traces.ts'

export type Numbers = Readonly<Record<string, number>>

export type Sample =
  | {
      /** One of those in sample.ts, which says what it takes and gives. */
      readonly name: string
      readonly trace?: TraceSpec
      readonly options?: object
      /** Processes one after the other, their times added: where one alone would be too short. */
      readonly times?: number
      /** All that the sample starts shares one CPU. */
      readonly oneCpu?: boolean
    }
  | { readonly program: CProgram; readonly trace: TraceSpec }
  /** Arguments of node, run often enough to be measured: gives the CPU time of one run. */
  | { readonly command: readonly string[]; readonly times: number }

/** Room for the segment table of a trace of 10^9 events. */
const NODE_FLAGS = ['--expose-gc', '--max-old-space-size=4096']
const MS_PER_TICK = 10

export interface SampleRunner {
  run(sample: Sample): Numbers
}

/** `program` is sample.ts as it was built; `programs` are the C programs that could be built, by name. */
export function sampleRunner(
  program: string,
  traces: TraceFiles,
  programs: Readonly<Record<string, string>>,
): SampleRunner {
  return {
    run(sample) {
      if ('command' in sample) return { cpuMs: commandCpuMs(sample.command, sample.times) }
      if ('program' in sample) {
        return json(programs[sample.program] ?? '', [traces.path(sample.trace)])
      }
      const { name, trace, options, times = 1, oneCpu = false } = sample
      const given = JSON.stringify({ ...options, ...(trace && { trace: traces.path(trace) }) })
      let sum: Record<string, number> = {}
      for (let i = 0; i < times; i++) {
        const [first, ...rest] = [...(oneCpu ? onOneCpu() : []), process.execPath]
        const one = json(first, [...rest, ...NODE_FLAGS, program, name, given])
        sum =
          i === 0
            ? { ...one }
            : { ...sum, ...one, cpuMs: (sum['cpuMs'] ?? 0) + (one['cpuMs'] ?? 0) }
      }
      return sum
    },
  }
}

function json(program: string, args: readonly string[]): Numbers {
  const { status, stdout, signal } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0)
    throw new Error(`${[program, ...args].join(' ')}: ended with ${signal ?? status}`)
  return JSON.parse(stdout) as Numbers
}

/** CPU time of whole processes, with everything they do: the kernel's account of children that were waited for. */
function commandCpuMs(args: readonly string[], times: number): number {
  const before = childrenTicks()
  for (let i = 0; i < times; i++) spawnSync(process.execPath, args, { stdio: 'ignore' })
  return ((childrenTicks() - before) * MS_PER_TICK) / times
}

function childrenTicks(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  // The command's name may hold spaces; cutime and cstime are the 14th and 15th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[13]) + Number(fields[14])
}
