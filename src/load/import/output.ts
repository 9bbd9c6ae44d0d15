/**
 * output: the trace under construction, with the recording that runs parallel to its loads and stores.
 */
import { RECORDING_LABELS } from '../../trace/recording.ts'
import { type Trace, TraceWriter } from '../../trace/trace.ts'
import { count, type ImportStatistics } from './statistics.ts'

export class ImportOutput {
  readonly writer = new TraceWriter()
  readonly statistics: ImportStatistics
  #recording = new Uint8Array(1024)
  #accesses = 0

  constructor(statistics: ImportStatistics) {
    this.statistics = statistics
  }

  /** A load or store that perf recorded as a fault; `code` is RECORDED_*. */
  fault(mm: number, vpn: number, write: boolean, code: number): void {
    if (write) this.writer.store(mm, vpn)
    else this.writer.load(mm, vpn)
    if (this.#accesses === this.#recording.length) {
      const larger = new Uint8Array(2 * this.#accesses)
      larger.set(this.#recording)
      this.#recording = larger
    }
    this.#recording[this.#accesses++] = code
  }

  /** Tells how the last access was decided; `code` is RECORDED_*. Returns the access, should more be learned of it. */
  decided(code: number, access = this.#accesses - 1): number {
    this.#recording[access] = code
    return access
  }

  /** A load or store that no line shows; `code` is INSERTED_*. */
  insert(mm: number, vpn: number, write: boolean, code: number): void {
    this.fault(mm, vpn, write, code)
    count(this.statistics.inserted, RECORDING_LABELS[code]!)
  }

  /** The trace is in memory that worker threads can read. */
  finish(): { trace: Trace; recording: Uint8Array } {
    return { trace: this.writer.finish(true), recording: this.#recording.slice(0, this.#accesses) }
  }
}
