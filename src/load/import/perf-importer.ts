/**
 * perf-importer: takes the lines of a recording one after another and hands each event to the part that knows what it
 * means; this file holds what joins lines: calls and their returns, and the mapping that perf saw between them.
 */

import {
  RECORDED_AGAIN,
  RECORDED_COPY,
  RECORDED_COPY_DURING_EXIT,
  RECORDED_PRESENT,
  RECORDED_REUSE,
  RECORDED_REUSE_DURING_EXIT,
} from '../../trace/recording.ts'
import {
  applyBrk,
  applyEntry,
  applyMmap,
  applyMremap,
  failed,
  learnMapping,
  PAGE,
} from './calls.ts'
import { FileObjects } from './file-objects.ts'
import { ImportOutput } from './output.ts'
import {
  type Call,
  type CallReturn,
  type Fault,
  type MappingRecord,
  type PerfLine,
  parsePerfLine,
} from './perf-line.ts'
import { placeFault, USER_END, WRITE } from './place-fault.ts'
import { type Process, Processes } from './processes.ts'
import { RecentFaults } from './recent-faults.ts'
import {
  count,
  countFate,
  type Fate,
  ignored,
  newStatistics,
  PENDING,
  USED,
  unplaced,
} from './statistics.ts'
import type { TaskSurvey } from './task-survey.ts'

/** A call whose return has not been seen, with the mapping that perf saw meanwhile. */
interface PendingCall {
  readonly call: Call
  record?: MappingRecord
}

export class PerfImporter {
  readonly statistics = newStatistics()
  readonly #survey: TaskSurvey
  readonly #output = new ImportOutput(this.statistics)
  readonly #files = new FileObjects()
  readonly #processes = new Processes(this.#output, this.#files)
  readonly #recent = new RecentFaults()
  /** By thread. */
  readonly #pending = new Map<number, PendingCall>()
  /** By thread, the store fault that is being resolved, in a recording that shows how. */
  readonly #deciding = new Map<number, number>()
  /** Until this line the pages of a process that has exited are being unmapped. */
  #unmappingUntil = 0
  #forks = 0
  #time = 0
  #start = 0
  #program = ''

  constructor(survey: TaskSurvey) {
    this.#survey = survey
  }

  /** The program whose exec was recorded first. */
  get program(): string {
    return this.#program
  }

  /** Takes line `number`, numbered as the survey's was. */
  take(number: number, text: string): void {
    this.statistics.lines++
    const line = parsePerfLine(text)
    if (line) countFate(this.statistics, this.#line(number, line))
    else if (text.trim() === '') countFate(this.statistics, ignored('blank line'))
    else if (text.startsWith('#')) countFate(this.statistics, ignored('comment'))
    else countFate(this.statistics, unplaced('line that is not perf script text'))
  }

  finish(): ReturnType<ImportOutput['finish']> {
    for (const tid of [...this.#pending.keys()]) this.#abandon(tid)
    this.statistics.seconds = Math.round((this.#time - this.#start) / 1000) / 1000
    return this.#output.finish()
  }

  #line(number: number, line: PerfLine): Fate {
    const { pid, tid, event } = line
    if (line.time < this.#time) {
      count(this.statistics.corrected, 'line earlier than the one before: taken in file order')
    }
    this.#time = line.time
    // What perf lists before it begins has no time.
    this.#start ||= line.time
    if (this.#survey.execStartsAt(number)) this.#exec(line)
    switch (event.type) {
      case 'other':
        return ignored(event.name)
      case 'allocation':
        return this.#allocation(number, tid, event.user)
      case 'unmapped':
        return USED
      case 'lost':
        count(this.statistics.corrected, 'event lost by perf: missing', event.count)
        return ignored('PERF_RECORD_LOST')
      case 'fork':
        this.#recent.forget(this.#processes.of(pid, tid)?.space.mm ?? -1)
        return this.#processes.fork(pid, tid, event.child, this.#survey.childKind(this.#forks++))
      case 'exit':
        this.#unmappingUntil = Math.max(this.#unmappingUntil, this.#survey.unmappedAt(number) ?? 0)
        return this.#processes.exit(pid, tid, event.groupDead)
      case 'exec':
        this.#program ||= event.filename
        return USED
    }
    // What was mapped when the recording began carries the id of its process in the record.
    if (event.type === 'mapping' && pid <= 0 && event.pid > 0) {
      this.#processes.describe(event)
      return USED
    }
    if (pid <= 0) return unplaced('event of no process')
    const process = this.#processes.of(pid, tid)
    if (!process) return unplaced('event after the exit of its process')
    switch (event.type) {
      case 'fault':
        return this.#fault(number, line, process, event)
      case 'mapping':
        return this.#mapping(tid, process, event)
      case 'call':
        return this.#call(tid, process, event)
      case 'return':
        return this.#return(tid, process, event)
    }
  }

  #exec({ pid, tid }: PerfLine): void {
    this.#pending.delete(tid)
    this.#recent.forget(this.#processes.exec(pid).mm)
  }

  #fault(number: number, { tid, time }: PerfLine, process: Process, fault: Fault): Fate {
    count(this.statistics.faults, `0x${fault.errorCode.toString(16)}`)
    if (fault.address >= USER_END) return ignored('fault on a kernel address')
    // A thread that runs its program has returned from its call.
    if (!fault.kernel) this.#abandon(tid)
    const { space } = process
    const page = Math.floor(fault.address / PAGE)
    if (space.areas.find(page)?.hugetlb === true) {
      return unplaced('fault in hugetlb pages, which are out of scope')
    }
    const again = this.#recent.again(space.mm, page, fault.errorCode, time)
    const code = placeFault(this.#output, space, { page, errorCode: fault.errorCode, again })
    // The kernel may try again before it copies.
    if (code !== RECORDED_AGAIN) this.#deciding.delete(tid)
    if (
      this.#survey.recordsAllocations &&
      code === RECORDED_PRESENT &&
      (fault.errorCode & WRITE) !== 0
    ) {
      const reuse = this.#isUnmapping(number) ? RECORDED_REUSE_DURING_EXIT : RECORDED_REUSE
      this.#deciding.set(tid, this.#output.decided(reuse))
    }
    return USED
  }

  /** A page allocated within a store fault on a present page is the copy. */
  #allocation(number: number, tid: number, user: boolean): Fate {
    const access = this.#deciding.get(tid)
    if (access === undefined || !user) return ignored('page allocation that is no copy')
    const copy = this.#isUnmapping(number) ? RECORDED_COPY_DURING_EXIT : RECORDED_COPY
    this.#output.decided(copy, access)
    this.#deciding.delete(tid)
    return USED
  }

  #isUnmapping(number: number): boolean {
    return number < this.#unmappingUntil
  }

  #mapping(tid: number, process: Process, record: MappingRecord): Fate {
    const pending = this.#pending.get(tid)
    if (pending?.call.name === 'mmap') {
      pending.record = record
      return USED
    }
    // The break's own return says the same, without what the heap was merged with.
    if (pending?.call.name === 'brk') return USED
    const { space } = process
    if (record.start >= USER_END) return ignored('mapping of the kernel')
    if (space.fromStart && record.name === '[stack]' && space.areas.empty) {
      space.argumentsEnd = Math.floor((record.start + record.length) / PAGE)
    }
    const news = learnMapping(space, record, this.#files)
    return news ? USED : ignored('mapping that is known already')
  }

  #call(tid: number, process: Process, call: Call): Fate {
    this.#abandon(tid)
    this.#deciding.delete(tid)
    switch (call.name) {
      case 'mmap':
      case 'mremap':
      case 'brk':
        this.#pending.set(tid, { call })
        return PENDING
      case 'munmap':
      case 'mprotect':
      case 'madvise':
        this.#recent.forget(process.space.mm)
        return usedUnless(applyEntry(process.space, call))
      case 'clone':
      case 'clone3':
        return USED
      case 'vmsplice':
      case 'io_uring_register':
      case 'process_vm_readv':
        return ignored(`${call.name}: no pin, its buffers are not recorded`)
      case 'pread64':
        return ignored('pread64: no pin, O_DIRECT is not recorded')
      default:
        return ignored(`syscalls:sys_enter_${call.name}`)
    }
  }

  /** The fate of a return, and of the entry that waited for it. */
  #return(tid: number, { space }: Process, { name, value }: CallReturn): Fate {
    const pending = this.#pending.get(tid)
    if (pending?.call.name !== name) {
      // A break says all by its return.
      if (name !== 'brk') return unplaced(`return of ${name} without its entry`)
      applyBrk(space, value)
      return USED
    }
    this.#pending.delete(tid)
    this.#recent.forget(space.mm)
    let fate = USED
    if (failed(value)) fate = ignored(`${name} that failed`)
    else if (name === 'brk') applyBrk(space, value)
    else if (name === 'mmap') {
      const reason = applyMmap(space, pending.call, pending.record, value, this.#files)
      if (reason !== undefined) fate = unplaced(reason)
    } else fate = usedUnless(applyMremap(space, pending.call, value))
    countFate(this.statistics, fate)
    return fate
  }

  /** The thread of a call does something else: the line with the return is lost. */
  #abandon(tid: number): void {
    const pending = this.#pending.get(tid)
    if (!pending) return
    this.#pending.delete(tid)
    countFate(this.statistics, unplaced(`${pending.call.name} whose return is lost`))
  }
}

/** The fate of a call that may have a reason to have no effect. */
function usedUnless(reason: string | undefined): Fate {
  return reason === undefined ? USED : ignored(reason)
}
