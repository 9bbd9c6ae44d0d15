/**
 * Noise: what holds a page for a moment although nobody in the trace asked for it: compaction, scans, reclaim that
 * thought better of it, a page lock, another CPU's LRU batch. The references of which the threads of 2009 and 2021 say
 * that page_count may be raised by them at any time.
 *
 * Whether a page is held is drawn where a policy is asked about it, from the seed, the event and the page's address
 * alone. So every policy meets the same noise, and what is held at one rate is held at every higher rate too.
 */
import { int } from '../policy/api.ts'
import { HUGE_ORDER } from '../state/frames.ts'
import { RngField } from '../trace/rng-field.ts'

/** Rates are chances in this many decisions. */
const RATE_UNIT = 10_000
const rate = (what: string) => int(0, 0, RATE_UNIT, `${what}, in 10,000 decisions`)

/** Parameters of the machine rather than of a policy or a workload; they stand in a row when one of them was given. */
export const NOISE_PARAMS = {
  cpus: int(1, 1, 64, 'CPUs with LRU batches of their own; 16 events in a row run on one of them'),
  noise: rate('added to each rate below'),
  noiseIsolation: rate('a folio on the LRU is isolated by compaction'),
  noiseLock: rate('the page lock is held by somebody else'),
  noiseScan: rate('KSM, page_idle or a lookup has a reference, for each page of a folio'),
  noiseSwapcache: rate(
    'a page has entered the swapcache: reclaim took it on and gave up, or read-ahead',
  ),
} as const

/** The values of the machine's parameters (`list params`): rates in 10,000 decisions, and 1 to 64 CPUs. */
export type NoiseValues = { readonly [K in keyof typeof NOISE_PARAMS]: number }

/** What else holds pages in a run, and the seed of when. */
export interface NoiseSettings {
  readonly values: NoiseValues
  readonly seed: number
}

/** Events that one CPU runs before the process, or another thread of it, is elsewhere. */
const RUN_SHIFT = 4

export class Noise {
  readonly #isolation: Source
  readonly #lock: Source
  readonly #scan: Source
  readonly #swapcache: Source
  readonly #cpu: RngField
  readonly cpus: number

  /** Undefined where nothing of the kind is wanted: the mechanism then asks as if there were no such thing. */
  static of(settings: NoiseSettings): Noise | undefined {
    const { cpus, ...rates } = settings.values
    const silent = cpus === 1 && Object.values(rates).every((value) => value === 0)
    return silent ? undefined : new Noise(settings)
  }

  constructor({ values, seed }: NoiseSettings) {
    const source = (name: string, own: number, perPage: boolean): Source =>
      new Source(new RngField(seed, `noise/${name}`), values.noise + own, perPage)
    this.#isolation = source('isolation', values.noiseIsolation, false)
    this.#lock = source('lock', values.noiseLock, false)
    this.#scan = source('scan', values.noiseScan, true)
    this.#swapcache = source('swapcache', values.noiseSwapcache, false)
    this.#cpu = new RngField(seed, 'noise/cpu')
    this.cpus = values.cpus
  }

  /** The CPU that the event runs on. */
  cpuAt(event: number): number {
    return this.#cpu.at(event >>> RUN_SHIFT, 0) % this.cpus
  }

  /** Is a folio of that order isolated? */
  isolated(event: number, vpn: number, order: number): boolean {
    return this.#isolation.strikes(event, vpn, order)
  }

  /** Is somebody looking at one of the folio's pages? */
  scanned(event: number, vpn: number, order: number): boolean {
    return this.#scan.strikes(event, vpn, order)
  }

  /** Would a trylock_page() fail? */
  locked(event: number, vpn: number): boolean {
    return this.#lock.strikes(event, vpn, 0)
  }

  /** Is there a copy in the swapcache, of a mapped page or of one that is about to be read from swap? */
  swapcached(event: number, vpn: number): boolean {
    return this.#swapcache.strikes(event, vpn, 0)
  }
}

/** One cause of noise: at which events it has hold of a page. */
class Source {
  readonly #field: RngField
  /** Draws below this strike, by the order of the folio. */
  readonly #below: readonly number[]

  constructor(field: RngField, rate: number, perPage: boolean) {
    this.#field = field
    let free = 1 - Math.min(rate, RATE_UNIT) / RATE_UNIT
    const below: number[] = []
    for (let order = 0; order <= HUGE_ORDER; order++) {
      below.push((1 - free) * 2 ** 32)
      // A folio of twice the pages is free if both halves are.
      if (perPage) free *= free
    }
    this.#below = below
  }

  strikes(event: number, vpn: number, order: number): boolean {
    return this.#field.at(event, vpn) < this.#below[order]!
  }
}
