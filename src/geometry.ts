/**
 * geometry: how many pages a page table maps, and with it how large a huge folio is: 512, unless the thread was started
 * with another order. The small worlds of src/check have huge folios of 4 pages, so that everything in one can be tried.
 *
 * A trace is always run with 512 (Engine.run() counts on it): only one operation at a time may be applied otherwise.
 */
import { workerData } from 'node:worker_threads'

/** What a thread with a geometry of its own is given, among other things, as its data. */
export interface GeometryData {
  readonly hugeOrder: number
}

/** A huge folio has 1 << HUGE_ORDER pages. */
export const HUGE_ORDER: number = (workerData as Partial<GeometryData> | null)?.hugeOrder ?? 9
