/** observe: what loads and device reads show, held against what they should show. Breaches are found here. */

import { REUSE, SITE_UNSHARE } from '../policy/verdict.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_LEAK,
  DEV_NOLEAK,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import type { Cause } from './judge.ts'
import type { Ledger } from './ledger.ts'
import { checkAccess } from './lost-events.ts'
import { ATTACHED, COPIED, type Pin, UNMAPPED } from './pins.ts'
import type { Shadow } from './shadow.ts'

const NO_PIN = -1

export class Observer {
  readonly #shadow: Shadow
  readonly #ledger: Ledger

  constructor(shadow: Shadow, ledger: Ledger) {
    this.#shadow = shadow
    this.#ledger = ledger
  }

  /** A load found `token`. Returns SAW_* bits. */
  load(mm: number, vpn: number, token: number): number {
    const { family, identities, pages, tokens } = this.#shadow
    const id = pages.get(mm, vpn)
    if (!this.#shadow.userfaults.none) checkAccess(this.#shadow, this.#ledger, mm, vpn, id)
    const expected = this.#shadow.content(id)
    if (token === expected) return 0
    const { event } = this.#ledger
    const author = tokens.author(token)
    const seen = { event, mm, vpn, pin: NO_PIN, hold: NO_PIN, token, author, expected }
    if (!family.maySee(mm, author, token)) {
      const cause = this.#ledger.cause(identities.frame(id), author)
      this.#ledger.record({ ...seen, kind: 'leak', cause })
      return SAW_MISMATCH | SAW_LEAK
    }
    if (tokens.fromDevice(expected)) {
      const cause = this.#ledger.cause(expected, mm)
      this.#ledger.record({ ...seen, kind: 'lost_coherence', cause })
    } else {
      const cause = this.#ledger.cause(identities.frame(id), author)
      this.#ledger.record({ ...seen, kind: 'lost_write', cause })
    }
    return SAW_MISMATCH
  }

  /** The device found `token` in page `index` of the pin. Returns DEV_*. */
  devread(id: number, index: number, token: number): number {
    const { family, identities, pages, pins, tokens } = this.#shadow
    const pin = pins.get(id)
    const { mm, hold } = pin
    const node = pin.node + index
    const vpn = pins.vpn(node)
    const state = pins.state(node)
    const mapped = pages.get(mm, vpn)
    // What the page is named by was stored to it, nearly always by its owner.
    if (mapped === token && state === ATTACHED && tokens.isBy(mm, token)) return DEV_COHERENT
    const expected = this.#shadow.found(mapped)
    const author = tokens.author(token)
    const leaks = !family.maySee(mm, author, token)
    if (!leaks && state === UNMAPPED) return DEV_NOLEAK
    if (!leaks && token === expected) return DEV_COHERENT
    const { event } = this.#ledger
    const seen = { event, mm, vpn, pin: id, hold, token, author, expected }
    if (leaks) {
      const frame = state === ATTACHED ? identities.frame(mapped) : pins.frame(node)
      this.#ledger.record({ ...seen, kind: 'leak', cause: this.#ledger.cause(frame, author) })
      return DEV_LEAK
    }
    if (pins.promised(pin, family.forks(mm))) {
      const cause = pins.cause(node) ?? this.#tookForeign(pin, node)
      this.#ledger.record({ ...seen, kind: 'lost_coherence', cause })
    } else this.#ledger.counts.stale_reads_unpromised++
    return DEV_INCOHERENT
  }

  /** The zero page is left without a question: whoever let the pin take it is to blame. */
  #tookForeign({ event, mm }: Pin, node: number): Cause | null {
    const { pins } = this.#shadow
    if (pins.state(node) !== COPIED || pins.frame(node) !== 0) return null
    return { event, mm, vpn: pins.vpn(node), site: SITE_UNSHARE, verdict: REUSE }
  }
}
