/**
 * Want: what get_user_pages() is asked for: this file tells it from the kind of a pin.
 */
import { HOLD_GET_RO, HOLD_GET_WRITE, HOLD_PIN_RO, HOLD_PIN_WRITE } from '../trace/observed.ts'
import { PIN_DMAPIN, PIN_IOURING, PIN_ODIRECT, PIN_ROPIN, PIN_VMSPLICE } from '../trace/ops.ts'
import type { Era } from './era.ts'

/** What a reference is wanted for. */
export interface Want {
  /** HOLD_* */
  readonly hold: number
  readonly write: boolean
  readonly follPin: boolean
  /**
   * Whoever gives the pages back marks them dirty, since a device has stored to them (bio_release_pages(), ib_umem_release()).
   * io_uring does not for its fixed buffers.
   */
  readonly dirties: boolean
  /** Walks with the page-table lock held instead of locklessly (get_user_pages_fast). */
  readonly slow: boolean
  /** Gives the pages back, and fails, if one of them lies in a file or in shared memory (io_sqe_buffer_register()). */
  readonly anonOnly: boolean
}

function want(hold: number, slow: boolean, dirties = false): Want {
  return {
    hold,
    write: hold === HOLD_GET_WRITE || hold === HOLD_PIN_WRITE,
    follPin: hold === HOLD_PIN_RO || hold === HOLD_PIN_WRITE,
    dirties,
    slow,
    anonOnly: false,
  }
}

/** Of ptrace's store (FOLL_FORCE | FOLL_WRITE | FOLL_GET). */
export const FORCED = want(HOLD_GET_WRITE, true)

/** By PIN_*: made once, for there is one for every pin. */
function wants(odirect: number, ioUringTakesFiles: boolean): readonly Want[] {
  const kinds: Want[] = []
  kinds[PIN_VMSPLICE] = want(HOLD_GET_RO, false)
  kinds[PIN_IOURING] = { ...want(HOLD_PIN_WRITE, true), anonOnly: !ioUringTakesFiles }
  kinds[PIN_ODIRECT] = want(odirect, false, true)
  kinds[PIN_DMAPIN] = want(HOLD_PIN_WRITE, false, true)
  kinds[PIN_ROPIN] = want(HOLD_PIN_RO, true)
  return kinds
}

const UNTIL_5_13 = wants(HOLD_GET_WRITE, false)
const UNTIL_6_4 = wants(HOLD_GET_WRITE, true)
const SINCE = wants(HOLD_PIN_WRITE, true)

export function wantOf(era: Era, kind: number): Want {
  const known = (era.odirect === 'pin' ? SINCE : era.ioUringTakesFiles ? UNTIL_6_4 : UNTIL_5_13)[
    kind
  ]
  if (known === undefined) throw new RangeError(`unknown pin kind: ${kind}`)
  return known
}
