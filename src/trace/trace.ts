/**
 * Trace: the events of one run as columns, and the writer that generators, importers and the litmus language share.
 *
 * A segment is four integers: operation, process, and the range [lo, hi) of its operands in `args`. Runs of loads or
 * stores by one process are one segment, so that the simulator's inner loop decodes nothing per event.
 */
import {
  OP_BEGIN,
  OP_CLEAR_REFS,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_DRAIN,
  OP_EXEC,
  OP_EXIT,
  OP_FOLIO_SPLIT,
  OP_FORK,
  OP_GET,
  OP_KHUGEPAGED,
  OP_KSM_WAIT,
  OP_LABELS,
  OP_LOAD,
  OP_MADVISE,
  OP_MIGRATE,
  OP_MMAP,
  OP_MPROTECT,
  OP_MREMAP,
  OP_MUNMAP,
  OP_NUMA_HINT,
  OP_PIN,
  OP_POKE,
  OP_PUT,
  OP_SET,
  OP_SPAWN,
  OP_STEP,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UFFD_REGISTER,
  OP_UFFD_RESOLVE,
  OP_UFFD_WP,
  OP_UNPIN,
  OP_WRITEBACK,
  OP_WRITEBACK_END,
  OPERANDS,
} from './ops.ts'

/** Integers per segment. */
export const SEGMENT = 4
/** Longest run of one segment, in events: short enough that the inner loop is entered often and tiers up normally. */
export const SEGMENT_EVENTS = 16384
/** Most words of operands and of segments in a chunk. */
export const CHUNK_ARGS = 2 ** 20
export const CHUNK_SEGMENTS = 2 ** 21

/** A trace in memory, as columns. */
export interface Trace {
  /** SEGMENT integers each: operation, process, first and one past the last operand in `args`. */
  readonly segments: Int32Array
  readonly args: Int32Array
  /** Number of events: every load and store, and one for each other segment. */
  readonly events: number
  /** One past the highest process id. */
  readonly processes: number
}

/**
 * A piece of a long trace: whole segments, their ranges counted from the piece's first operand. The pieces of a trace
 * are the same whether they were cut from the whole, handed out by its writer or read from a file.
 */
export type Chunk = Pick<Trace, 'segments' | 'args'>

/** A trace that is never there as a whole: each chunk is good until the next one is asked for. */
export interface ChunkedTrace {
  readonly chunks: Iterable<Chunk>
}

/** Does a chunk of these lengths, in words, end here? Where another segment might not fit. */
export function isFull(segmentWords: number, argWords: number): boolean {
  return segmentWords + SEGMENT > CHUNK_SEGMENTS || argWords + SEGMENT_EVENTS > CHUNK_ARGS
}

/** What a writer throws that was told how much memory it may take (WriterOptions.most). */
export class TraceTooLong extends Error {}

/** How a trace is written. */
export interface WriterOptions {
  /** The writer gives away each chunk as soon as it is full, and keeps nothing. */
  readonly handOut?: (chunk: Chunk) => void
  /** It throws TraceTooLong when one of its two columns would have to grow beyond so many words, of four bytes each. */
  readonly most?: number
}

/**
 * Writes a trace, operation by operation; processes and pins get their numbers here. `mm` is a process by its number, `vpn`
 * an address in pages of 4 KiB. Every method throws RangeError for an operand that is no whole number of 32 bits; whether
 * anything is mapped there, or the process is alive, is not looked at (`trace validate` does).
 */
export class TraceWriter {
  readonly #handOut: ((chunk: Chunk) => void) | undefined
  readonly #most: number
  #segments: Int32Array
  #segmentWords = 0
  #args: Int32Array
  #argWords = 0
  #events = 0
  #processes = 0
  #pins = 0
  #contents = 0
  #tasks = 0

  constructor(expectedEvents = 1024, { handOut, most }: WriterOptions = {}) {
    this.#handOut = handOut
    this.#most = most ?? Number.POSITIVE_INFINITY
    this.#segments = new Int32Array(SEGMENT * 256)
    this.#args = new Int32Array(handOut ? CHUNK_ARGS : Math.max(256, expectedEvents))
  }

  /** Number of events so far. */
  get events(): number {
    return this.#events
  }

  /** A load of the page. */
  load(mm: number, vpn: number): void {
    this.#access(OP_LOAD, mm, vpn)
  }

  /** A store to the page. */
  store(mm: number, vpn: number): void {
    this.#access(OP_STORE, mm, vpn)
  }

  /** Starts a new process with an empty address space and returns its id. */
  spawn(): number {
    const mm = this.#processes++
    this.#event(OP_SPAWN, mm)
    return mm
  }

  /** Forks `mm` and returns the child's id. */
  fork(mm: number): number {
    const child = this.#processes++
    this.#event(OP_FORK, mm, child)
    return child
  }

  /** A new program in the same process: nothing is mapped any more. */
  exec(mm: number): void {
    this.#event(OP_EXEC, mm)
  }

  /** The process is gone, and with it its mappings and pins. */
  exit(mm: number): void {
    this.#event(OP_EXIT, mm)
  }

  /**
   * Maps `pages` pages at `vpn` (which must be free) as `kind` (MAP_*), with `prot` (PROT_* bits). `folioOrder` is the order
   * of the folio that a first store to an empty, aligned range of an anonymous mapping may fill: 0 to 9, where 0 is a page
   * until MADV_HUGEPAGE. `object` names a file or shared memory by any number from 0 on, `pgoff` is the first page in it.
   */
  mmap(
    mm: number,
    vpn: number,
    pages: number,
    kind: number,
    prot: number,
    folioOrder = 0,
    object = 0,
    pgoff = 0,
  ): void {
    this.#event(OP_MMAP, mm, vpn, pages, kind, prot, folioOrder, object, pgoff)
  }

  /** munmap() of the pages. */
  munmap(mm: number, vpn: number, pages: number): void {
    this.#event(OP_MUNMAP, mm, vpn, pages)
  }

  /** Changes what the range allows to `prot` (PROT_*). */
  mprotect(mm: number, vpn: number, pages: number, prot: number): void {
    this.#event(OP_MPROTECT, mm, vpn, pages, prot)
  }

  /** Moves the range to `to`, where nothing may be mapped. */
  mremap(mm: number, vpn: number, pages: number, to: number): void {
    this.#event(OP_MREMAP, mm, vpn, pages, to)
  }

  /** Gives `advice` (MADV_*) for the range. */
  madvise(mm: number, vpn: number, pages: number, advice: number): void {
    this.#event(OP_MADVISE, mm, vpn, pages, advice)
  }

  /** Takes a reference of `kind` (PIN_*) on `pages` pages and returns the pin's id. */
  pin(mm: number, vpn: number, pages: number, kind: number): number {
    const pin = this.#pins++
    this.#event(OP_PIN, mm, vpn, pages, kind, pin)
    return pin
  }

  /** The I/O is over: gives the reference back. */
  unpin(mm: number, pin: number): void {
    this.#event(OP_UNPIN, mm, pin)
  }

  /** The device reads page `index` of `pin`. */
  devread(mm: number, pin: number, index: number): void {
    this.#event(OP_DEVREAD, mm, pin, index)
  }

  /** The device stores to page `index` of `pin`. */
  devwrite(mm: number, pin: number, index: number): void {
    this.#event(OP_DEVWRITE, mm, pin, index)
  }

  /** Reclaim takes the pages that it can. */
  swapout(mm: number, vpn: number, pages: number): void {
    this.#event(OP_SWAPOUT, mm, vpn, pages)
  }

  /** Moves every CPU's LRU batches on to the LRU, as lru_add_drain_all(). */
  drain(): void {
    this.#event(OP_DRAIN, 0)
  }

  /** Write-protects the range with userfaultfd, or no longer; it is registered if it was not. */
  uffdWp(mm: number, vpn: number, pages: number, on: boolean): void {
    this.#event(OP_UFFD_WP, mm, vpn, pages, on ? 1 : 0)
  }

  /** Writes `value` to /proc/PID/clear_refs: 4 takes the soft-dirty bits back. */
  clearRefs(mm: number, value: number): void {
    this.#event(OP_CLEAR_REFS, mm, value)
  }

  /** KSM goes through all that is MADV_MERGEABLE until nothing more is merged. */
  ksmWait(): void {
    this.#event(OP_KSM_WAIT, 0)
  }

  /** Moves the pages to other frames, where nobody holds them. */
  migrate(mm: number, vpn: number, pages: number): void {
    this.#event(OP_MIGRATE, mm, vpn, pages)
  }

  /** A speculative reference, as compaction or a lockless lookup takes for a moment; `put` drops it. */
  get(mm: number, vpn: number): void {
    this.#event(OP_GET, mm, vpn)
  }

  /** The reference that get() took is given back. */
  put(mm: number, vpn: number): void {
    this.#event(OP_PUT, mm, vpn)
  }

  /** A store with FOLL_FORCE, as a debugger's through /proc/PID/mem. */
  poke(mm: number, vpn: number): void {
    this.#event(OP_POKE, mm, vpn)
  }

  /** Stores one new content, the same in each page. */
  storeSame(mm: number, vpns: Iterable<number>): void {
    const content = ++this.#contents
    for (const vpn of vpns) this.#event(OP_STORE_SAME, mm, vpn, content)
  }

  /** Splits the large folio that holds the page, as split_folio(). */
  folioSplit(mm: number, vpn: number): void {
    this.#event(OP_FOLIO_SPLIT, mm, vpn)
  }

  /** Swaps out, and leaves the pages under writeback until `writebackEnd`. */
  writeback(mm: number, vpn: number, pages: number): void {
    this.#event(OP_WRITEBACK, mm, vpn, pages)
  }

  /** The swap device has written everything that was under writeback. */
  writebackEnd(): void {
    this.#event(OP_WRITEBACK_END, 0)
  }

  /** NUMA balancing looks at the range: each page that one entry maps takes a hint fault. */
  numaHint(mm: number, vpn: number, pages: number): void {
    this.#event(OP_NUMA_HINT, mm, vpn, pages)
  }

  /** khugepaged gets to the aligned 2 MiB ranges inside [vpn, vpn + pages). */
  khugepaged(mm: number, vpn: number, pages: number): void {
    this.#event(OP_KHUGEPAGED, mm, vpn, pages)
  }

  /** Registers the range with userfaultfd for `modes` (UFFD_*), or for nothing any more. */
  uffdRegister(mm: number, vpn: number, pages: number, modes: number): void {
    this.#event(OP_UFFD_REGISTER, mm, vpn, pages, modes)
  }

  /** The manager provides the pages that are not mapped yet, by `how` (UFFDIO_*), before anybody asks for them. */
  uffdResolve(mm: number, vpn: number, pages: number, how: number): void {
    this.#event(OP_UFFD_RESOLVE, mm, vpn, pages, how)
  }

  /** Sets a tunable (SET_*, settings.ts). */
  set(setting: number, value: number): void {
    this.#event(OP_SET, 0, setting, value)
  }

  /** Holds a fork of `mm` to be taken through its steps. */
  beginFork(mm: number): { readonly task: number; readonly child: number } {
    const child = this.#processes++
    return { task: this.#begin(mm, OP_FORK, child), child }
  }

  /** Holds a pin of one page to be taken through its steps. */
  beginPin(mm: number, vpn: number, kind: number): { readonly task: number; readonly pin: number } {
    const pin = this.#pins++
    return { task: this.#begin(mm, OP_PIN, vpn, kind, pin), pin }
  }

  /** Holds a store; returns the task. */
  beginStore(mm: number, vpn: number): number {
    return this.#begin(mm, OP_STORE, vpn)
  }

  /** Holds the reclaim of one page; returns the task. */
  beginSwapout(mm: number, vpn: number): number {
    return this.#begin(mm, OP_SWAPOUT, vpn)
  }

  /** Takes a held operation of `mm` up to and including the step `until` (steps.ts). */
  step(mm: number, task: number, until: number): void {
    this.#event(OP_STEP, mm, task, until)
  }

  /** An event of another trace, under the numbers that its processes, pins and contents have there. */
  copy(op: number, mm: number, operands: Int32Array | readonly number[]): void {
    if (op !== OP_LOAD && op !== OP_STORE) this.#event(op, mm, ...operands)
    else for (let i = 0; i < operands.length; i++) this.#access(op, mm, operands[i]!)
  }

  /**
   * The trace so far, in buffers of exactly its size; `shared` puts them where worker threads can read them. Of a trace
   * that was handed out, the counts alone.
   */
  finish(shared = false): Trace {
    if (this.#handOut) this.#endChunk(this.#handOut)
    const buffer = (words: number): Int32Array =>
      new Int32Array(shared ? new SharedArrayBuffer(4 * words) : new ArrayBuffer(4 * words))
    const segments = buffer(this.#segmentWords)
    segments.set(this.#segments.subarray(0, this.#segmentWords))
    const args = buffer(this.#argWords)
    args.set(this.#args.subarray(0, this.#argWords))
    return { segments, args, events: this.#events, processes: this.#processes }
  }

  #begin(mm: number, op: number, first: number, second = 0, third = 0): number {
    const task = this.#tasks++
    this.#event(OP_BEGIN, mm, task, op, first, second, third)
    return task
  }

  #access(op: number, mm: number, vpn: number): void {
    const last = this.#segmentWords - SEGMENT
    const extends_ =
      last >= 0 &&
      this.#segments[last] === op &&
      this.#segments[last + 1] === mm &&
      this.#argWords - this.#segments[last + 2]! < SEGMENT_EVENTS
    if (!extends_) this.#open(op, mm)
    if ((vpn | 0) !== vpn) throw notAWord(op, 'vpn', vpn)
    if (this.#argWords === this.#args.length) this.#args = this.#grown(this.#args)
    this.#args[this.#argWords++] = vpn
    this.#segments[this.#segmentWords - SEGMENT + 3] = this.#argWords
    this.#events++
  }

  #event(op: number, mm: number, ...operands: number[]): void {
    this.#open(op, mm)
    while (this.#argWords + operands.length > this.#args.length)
      this.#args = this.#grown(this.#args)
    for (let i = 0; i < operands.length; i++) {
      const operand = operands[i]!
      if ((operand | 0) !== operand) throw notAWord(op, OPERANDS[op]![i]!, operand)
      this.#args[this.#argWords++] = operand
    }
    this.#segments[this.#segmentWords - SEGMENT + 3] = this.#argWords
    this.#events++
  }

  #endChunk(handOut: (chunk: Chunk) => void): void {
    handOut({
      segments: this.#segments.subarray(0, this.#segmentWords),
      args: this.#args.subarray(0, this.#argWords),
    })
    this.#segmentWords = 0
    this.#argWords = 0
  }

  #open(op: number, mm: number): void {
    if (this.#handOut && isFull(this.#segmentWords, this.#argWords)) this.#endChunk(this.#handOut)
    if ((mm | 0) !== mm) throw notAWord(op, 'mm', mm)
    if (this.#segmentWords === this.#segments.length) this.#segments = this.#grown(this.#segments)
    this.#segments[this.#segmentWords] = op
    this.#segments[this.#segmentWords + 1] = mm
    this.#segments[this.#segmentWords + 2] = this.#argWords
    this.#segments[this.#segmentWords + 3] = this.#argWords
    this.#segmentWords += SEGMENT
  }

  #grown(column: Int32Array): Int32Array {
    if (2 * column.length > this.#most) throw new TraceTooLong(`more than ${this.#most} words`)
    const larger = new Int32Array(2 * column.length)
    larger.set(column)
    return larger
  }
}

/** A column would hold something else: 0 for NaN and undefined, the lower bits of a huge number. */
function notAWord(op: number, operand: string, value: unknown): RangeError {
  return new RangeError(
    `invalid ${operand} of ${OP_LABELS[op]}: ${value}; expected a whole number of 32 bits`,
  )
}
