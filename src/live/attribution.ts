/**
 * attribution: whose the reuses are that the kernel counted in the whole system, from the page faults of every
 * process; this file tells those of a recorded program from everybody else's.
 *
 * A store fault on a present page reuses the page unless its thread allocates one before it does anything else.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { PAGE } from '../load/import/calls.ts'
import { type Fault, type PerfLine, parsePerfLine } from '../load/import/perf-line.ts'
import { PRESENT, USER_END, WRITE } from '../load/import/place-fault.ts'
import { RecentFaults } from '../load/import/recent-faults.ts'
import type { SystemRecording } from './perf.ts'

export interface Attribution {
  readonly program: number
  /** Reuses of the other processes, by the name that each had at that moment; most frequent first. */
  readonly others: Readonly<Record<string, number>>
  /** Events of the whole system that perf was too slow to take. */
  readonly lost: number
}

/** Of the reuses within the time of `system`, which are those of the threads that `programText` shows? */
export async function attributeReuses(
  system: SystemRecording,
  programText: string,
): Promise<Attribution> {
  const began = await firstFaults(programText)
  // Until its exec the program is still perf.
  const isProgram = ({ tid, time }: Decision) =>
    time >= (began.get(tid) ?? Infinity) - CLOCK_SLACK_MICROS
  const faults = new SystemFaults(system)
  for await (const line of perfLines(system.text)) faults.take(line)
  const { reuses, lost } = faults.finish()
  const others = new Map<string, number>()
  for (const reuse of reuses) {
    if (!isProgram(reuse)) others.set(reuse.comm, (others.get(reuse.comm) ?? 0) + 1)
  }
  return {
    program: reuses.filter(isProgram).length,
    others: Object.fromEntries([...others].sort(([, a], [, b]) => b - a)),
    lost,
  }
}

/** The reuses of all processes but the program's. */
export function reusesOfOthers({ others }: Attribution): number {
  return Object.values(others).reduce((sum, times) => sum + times, 0)
}

/** Two sessions take their times of the same fault one after the other. */
const CLOCK_SLACK_MICROS = 50

interface Decision {
  readonly tid: number
  readonly time: number
  readonly comm: string
}

class SystemFaults {
  readonly #start: number
  readonly #end: number
  readonly #recent = new RecentFaults()
  /** By thread, the store fault whose allocation, if there is one, comes next. */
  readonly #deciding = new Map<number, Decision>()
  readonly #reuses: Decision[] = []
  #lost = 0

  constructor({ start, end }: SystemRecording) {
    this.#start = start
    this.#end = end
  }

  take(line: PerfLine): void {
    const { pid, tid, event } = line
    if (event.type === 'allocation') {
      if (event.user) this.#deciding.delete(tid)
    } else if (event.type === 'lost') {
      this.#lost += event.count
    } else if (event.type === 'fork') {
      this.#recent.forget(pid)
    } else if (event.type === 'call') {
      this.#settle(tid)
    } else if (event.type === 'fault') {
      this.#settle(tid)
      if (this.#isDecision(line, event)) this.#deciding.set(tid, line)
    }
  }

  finish(): { reuses: readonly Decision[]; lost: number } {
    for (const tid of [...this.#deciding.keys()]) this.#settle(tid)
    return { reuses: this.#reuses, lost: this.#lost }
  }

  #isDecision({ pid, time }: PerfLine, { address, errorCode }: Fault): boolean {
    if ((errorCode & PRESENT) === 0 || (errorCode & WRITE) === 0) return false
    if (address >= USER_END || time < this.#start || time > this.#end) return false
    return !this.#recent.again(pid, Math.floor(address / PAGE), errorCode, time)
  }

  #settle(tid: number): void {
    const decision = this.#deciding.get(tid)
    if (decision === undefined) return
    this.#reuses.push(decision)
    this.#deciding.delete(tid)
  }
}

/**
 * Adds to the program's text the lines of the system's that say when its processes were unmapped: perf stops counting
 * for a process before. Writes `to`.
 */
export async function addExits(
  system: SystemRecording,
  programText: string,
  to: string,
): Promise<void> {
  const began = await firstFaults(programText)
  const exits: { time: number; line: string }[] = []
  for await (const line of textLines(system.text)) {
    const parsed = parsePerfLine(line)
    if (parsed?.event.type !== 'unmapped' || !began.has(parsed.tid)) continue
    exits.push({ time: parsed.time, line })
  }
  await pipeline(async function* () {
    let next = 0
    for await (const line of textLines(programText)) {
      const time = parsePerfLine(line)?.time ?? 0
      for (; next < exits.length && exits[next]!.time < time; next++) yield `${exits[next]!.line}\n`
      yield `${line}\n`
    }
    for (; next < exits.length; next++) yield `${exits[next]!.line}\n`
  }, createWriteStream(to))
}

/** When each thread of a recording faulted first. */
async function firstFaults(text: string): Promise<Map<number, number>> {
  const first = new Map<number, number>()
  for await (const { tid, time, event } of perfLines(text)) {
    if (event.type === 'fault' && !first.has(tid)) first.set(tid, time)
  }
  return first
}

async function* perfLines(text: string): AsyncGenerator<PerfLine> {
  for await (const line of textLines(text)) {
    const parsed = parsePerfLine(line)
    if (parsed !== undefined) yield parsed
  }
}

export function textLines(text: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(text), crlfDelay: Infinity })
}
