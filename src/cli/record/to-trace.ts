/** to-trace: from a command or a process to a trace file, and to what is said about it. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { reusesOfOthers } from '../../live/attribution.ts'
import { driverProgram } from '../../live/build.ts'
import { type Recorded, recordTrace, type Target } from '../../live/recorder.ts'
import { formatStatistics } from '../../load/import/statistics.ts'
import { writeTrace } from '../../load/trace-file.ts'
import type { SystemReuses } from '../../trace/recording.ts'
import { isProgram } from '../shell/is-program.ts'
import { orMissing } from '../shell/missing-facility.ts'
import { print, say } from '../shell/streams.ts'
import { UsageError } from '../words/usage-error.ts'

export interface RecordRequest {
  readonly command: readonly string[]
  readonly output: string | undefined
  readonly text: string | undefined
  readonly pid: number | undefined
  readonly seconds: number | undefined
  readonly outcomes: boolean
  readonly strip: boolean
  readonly overhead: boolean
}

/** Returns the exit code: 5 if perf or what it needs is missing. */
export async function runRecord(request: RecordRequest): Promise<number> {
  checkRequest(request)
  const { command, pid, strip, text, overhead, outcomes } = request
  const output = request.output ?? `${basename(command[0] ?? `pid-${pid}`)}.trace.gz`
  if (request.output === undefined && existsSync(output)) {
    throw new UsageError(`invalid --output: ${output} exists; expected -o FILE`)
  }
  return await orMissing(async () => {
    const recorded = await recordTrace(targetOf(request), { strip, text, outcomes })
    const { trace, source, program, statistics, recording } = recorded.loaded
    const origin = {
      source,
      ...(program === undefined ? {} : { program }),
      ...(statistics === undefined ? {} : { statistics: { ...statistics } }),
      system: systemReuses(recorded),
    }
    writeTrace(output, trace, origin, recording)
    if (statistics !== undefined) print(formatStatistics(statistics))
    sayRecording(recorded, output)
    if (overhead) sayOverhead(command, recorded.recording.seconds)
    return 0
  })
}

function checkRequest({ command, pid, seconds, overhead }: RecordRequest): void {
  if ((command.length === 0) === (pid === undefined)) {
    throw new UsageError('missing command: expected -- CMD, or --pid PID without one')
  }
  if (seconds !== undefined && pid === undefined) {
    throw new UsageError(
      `unsupported --seconds with -- CMD, which is recorded until it ends; expected -- timeout ${seconds} CMD`,
    )
  }
  if (overhead && pid !== undefined) {
    throw new UsageError('unsupported --overhead: a process cannot be run again; expected -- CMD')
  }
  const [program] = command
  if (program !== undefined && !isProgram(program)) {
    throw new UsageError(`unknown program: ${program}`)
  }
}

function targetOf({ command, pid, seconds, outcomes }: RecordRequest): Target {
  if (pid === undefined) return { command, counter: driverProgram(), system: outcomes }
  if (!existsSync(`/proc/${pid}`)) throw new UsageError(`unknown process: ${pid}`)
  return { pid, seconds }
}

function systemReuses({ recording, attribution }: Recorded): SystemReuses {
  const { pgreuse } = recording
  if (attribution === undefined) return { pgreuse }
  return { pgreuse, byOthers: reusesOfOthers(attribution) }
}

function sayRecording(recorded: Recorded, output: string): void {
  const { recording, loaded } = recorded
  const { seconds, bytes, faults, pgreuse, exitCode } = recording
  const megabytes = (bytes / 1e6).toFixed(1)
  if (exitCode !== 0) say(`the command returned ${exitCode}`)
  const { events, processes } = loaded.trace
  say(
    `${output}: ${events} events, ${processes} processes; recorded ${seconds.toFixed(1)} s, ` +
      `${megabytes} MB of perf data`,
  )
  const { byOthers } = systemReuses(recorded)
  const others = byOthers === undefined ? '' : `, ${byOthers} of them by other processes`
  const taken = faults === undefined ? '' : `${faults} faults by the program, `
  say(`the kernel meanwhile: ${taken}${pgreuse} reuses in the whole system (pgreuse)${others}`)
}

function sayOverhead(command: readonly string[], recorded: number): void {
  const [program = '', ...words] = command
  const start = performance.now()
  spawnSync(program, words, { stdio: ['inherit', 'ignore', 'inherit'] })
  const bare = (performance.now() - start) / 1000
  // What perf takes to begin and to end says nothing about a command that is over at once.
  const percent = bare < 0.2 ? '' : ` (+${Math.round((recorded / bare - 1) * 100)} %)`
  say(`overhead: ${recorded.toFixed(2)} s with perf, ${bare.toFixed(2)} s without${percent}`)
}
