/**
 * processes: which process and thread each line belongs to, and the address space it runs in; this file follows
 * fork, exec and exit.
 */
import { AddressSpace } from './address-space.ts'
import { learnMapping } from './calls.ts'
import type { FileObjects } from './file-objects.ts'
import type { ImportOutput } from './output.ts'
import type { MappingRecord } from './perf-line.ts'
import { count, type Fate, ignored, USED, unplaced } from './statistics.ts'
import type { ChildKind } from './task-survey.ts'

export interface Process {
  readonly pid: number
  space: AddressSpace
  /** Threads that have not exited, as far as they are known. */
  readonly threads: Set<number>
}

export class Processes {
  readonly #output: ImportOutput
  readonly #live = new Map<number, Process>()
  readonly #exited = new Set<number>()
  /** What was mapped in processes that were there before the recording, until one of them shows itself. */
  readonly #described = new Map<number, MappingRecord[]>()
  readonly #files: FileObjects

  constructor(output: ImportOutput, files: FileObjects) {
    this.#output = output
    this.#files = files
  }

  /** Takes a mapping that perf listed when the recording began. */
  describe(record: MappingRecord): void {
    const records = this.#described.get(record.pid)
    if (records) records.push(record)
    else this.#described.set(record.pid, [record])
  }

  /** The process of a line, or nothing if it has exited. One that no fork line made is started here. */
  of(pid: number, tid: number): Process | undefined {
    const known = this.#live.get(pid)
    if (known) {
      known.threads.add(tid)
      return known
    }
    if (this.#exited.has(pid)) return undefined
    return this.#start(pid, tid, false)
  }

  fork(parentPid: number, parentTid: number, child: number, kind: ChildKind): Fate {
    const parent = this.of(parentPid, parentTid)
    const { statistics } = this.#output
    if (!parent) return unplaced('fork after the exit of its process')
    if (kind === 'unseen') return ignored('fork of a child that no later line names')
    if (kind === 'thread') {
      statistics.threads++
      parent.threads.add(child)
      return USED
    }
    // The id of a process that exited may come again.
    this.#exited.delete(child)
    statistics.processes++
    if (kind === 'vfork') {
      statistics.vforks++
      parent.space.users++
      this.#live.set(child, { pid: child, space: parent.space, threads: new Set([child]) })
    } else {
      statistics.forks++
      const space = parent.space.fork()
      this.#live.set(child, { pid: child, space, threads: new Set([child]) })
    }
    return USED
  }

  /** The process gets a new, empty address space; its other threads are gone. */
  exec(pid: number): AddressSpace {
    const { writer, statistics } = this.#output
    statistics.execs++
    const process = this.#live.get(pid)
    if (!process) return this.#start(pid, pid, true).space
    process.threads.clear()
    process.threads.add(pid)
    const { space } = process
    if (space.users > 1) {
      space.users--
      process.space = new AddressSpace(this.#output, writer.spawn(), true)
    } else {
      writer.exec(space.mm)
      process.space = new AddressSpace(this.#output, space.mm, true)
    }
    return process.space
  }

  exit(pid: number, tid: number, groupDead: boolean | undefined): Fate {
    const { writer, statistics } = this.#output
    const process = this.#live.get(pid)
    if (!process) return ignored('exit of a process without a memory event')
    process.threads.delete(tid)
    if (!(groupDead ?? process.threads.size === 0)) return USED
    statistics.exits++
    this.#live.delete(pid)
    this.#exited.add(pid)
    process.space.users--
    if (process.space.users === 0) writer.exit(process.space.mm)
    return USED
  }

  #start(pid: number, tid: number, fromStart: boolean): Process {
    const { writer, statistics } = this.#output
    statistics.processes++
    if (!fromStart) count(statistics.corrected, 'process that was running already: assumed')
    const space = new AddressSpace(this.#output, writer.spawn(), fromStart)
    if (!fromStart) {
      for (const record of this.#described.get(pid) ?? []) learnMapping(space, record, this.#files)
    }
    this.#described.delete(pid)
    const process = { pid, space, threads: new Set([tid]) }
    this.#live.set(pid, process)
    return process
  }
}
