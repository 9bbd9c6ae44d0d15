/**
 * task-survey: a first reading of the recording, which learns what a line cannot know about itself.
 *
 * sched_process_fork says neither whether the child is a thread nor whether it borrows its parent's memory until it
 * execs: the child's later lines do. And sched_process_exec comes after the new image has been mapped and its stack
 * filled: the new address space begins some lines earlier.
 */
import type { PerfLine } from './perf-line.ts'

/** What a child of sched_process_fork turned out to be. */
export type ChildKind =
  /** Shares everything with the process that its parent belongs to. */
  | 'thread'
  /** Has a copy of its parent's address space. */
  | 'process'
  /** A process that runs in its parent's address space until it execs or exits. */
  | 'vfork'
  /** No later line names it. */
  | 'unseen'

const CLONE_VM = 0x100
const CLONE_THREAD = 0x10000

interface Child {
  readonly index: number
  readonly parentPid: number
  readonly cloneFlags: number | undefined
  /** Has it broken COW? Then its address space is its own. */
  wroteShared: boolean
}

/** The lines of a thread that may be the new image of an exec: only mappings and kernel faults, [stack] first. */
interface ImageStart {
  readonly line: number
  mapped: boolean
}

export class TaskSurvey {
  readonly #children: ChildKind[] = []
  readonly #open = new Map<number, Child>()
  readonly #cloneFlags = new Map<number, number>()
  readonly #imageStarts = new Map<number, ImageStart>()
  readonly #execStarts = new Set<number>()
  /** By thread, the line of its exit; by that line, the one that says that its pages are gone. */
  readonly #exits = new Map<number, number>()
  readonly #unmapped = new Map<number, number>()
  #recordsForks = false
  #recordsAllocations = false
  #faults = 0

  /** Takes the parsed line number `line`, counted from any base, as long as it is the same when asked. */
  take(line: number, { pid, tid, event }: PerfLine): void {
    this.#identify(pid, tid)
    if (event.type === 'allocation') {
      this.#recordsAllocations = true
      return
    }
    if (event.type === 'unmapped') {
      const exit = this.#exits.get(tid)
      if (exit !== undefined) this.#unmapped.set(exit, line)
      this.#exits.delete(tid)
      return
    }
    if (event.type === 'mapping') {
      const start = this.#imageStarts.get(tid)
      if (event.name !== '[stack]') {
        if (start) start.mapped = true
      } else if (!start?.mapped) {
        this.#imageStarts.set(tid, { line, mapped: false })
      }
      return
    }
    if (event.type === 'fault') {
      this.#faults++
      const child = this.#open.get(tid)
      if (child && (event.errorCode & 3) === 3) child.wroteShared = true
      if (event.kernel) return
    } else if (event.type === 'call' && event.name === 'clone') {
      this.#cloneFlags.set(tid, event.operands[0] ?? 0)
    } else if (event.type === 'call' && event.name === 'clone3') {
      this.#cloneFlags.delete(tid)
    } else if (event.type === 'fork') {
      this.#recordsForks = true
      this.#open.set(event.child, {
        index: this.#children.length,
        parentPid: pid,
        cloneFlags: this.#cloneFlags.get(tid),
        wroteShared: false,
      })
      this.#children.push('unseen')
      this.#cloneFlags.delete(tid)
    } else if (event.type === 'exec') {
      this.#execStarts.add(this.#imageStarts.get(tid)?.line ?? line)
      this.#execed(tid)
    } else if (event.type === 'exit') {
      this.#open.delete(tid)
      this.#exits.set(tid, line)
    }
    // Whatever else was recorded may happen within an exec.
    if (event.type !== 'other' && event.type !== 'lost') this.#imageStarts.delete(tid)
  }

  /** What the child of the `index`-th sched_process_fork line is. */
  childKind(index: number): ChildKind {
    return this.#children[index] ?? 'unseen'
  }

  /** Does the thread of this line begin a new address space there, before the line is looked at? */
  execStartsAt(line: number): boolean {
    return this.#execStarts.has(line)
  }

  /** The line at which the pages of the process are gone whose exit is at line `exit`, if one says so. */
  unmappedAt(exit: number): number | undefined {
    return this.#unmapped.get(exit)
  }

  get recordsForks(): boolean {
    return this.#recordsForks
  }

  /** Can a fault be told to have copied its page? */
  get recordsAllocations(): boolean {
    return this.#recordsAllocations
  }

  get faults(): number {
    return this.#faults
  }

  #identify(pid: number, tid: number): void {
    const child = this.#open.get(tid)
    if (!child || this.#children[child.index] !== 'unseen') return
    if (pid === child.parentPid) this.#children[child.index] = 'thread'
    else if (pid === tid) this.#children[child.index] = sharesMemory(child) ? 'vfork' : 'process'
    else this.#open.delete(tid) // The id was used again, by a thread whose fork was lost.
  }

  /**
   * clone3 keeps its flags in user memory. A child that comes to its exec without a store to a shared page (its
   * first push would be one) cannot have had a copy of its own.
   */
  #execed(tid: number): void {
    const child = this.#open.get(tid)
    if (child?.cloneFlags === undefined && child?.wroteShared === false) {
      this.#children[child.index] = 'vfork'
    }
    this.#open.delete(tid)
  }
}

function sharesMemory({ cloneFlags }: Child): boolean {
  return cloneFlags !== undefined && (cloneFlags & (CLONE_VM | CLONE_THREAD)) === CLONE_VM
}
