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
}

function want(hold: number, slow: boolean, dirties = false): Want {
  return {
    hold,
    write: hold === HOLD_GET_WRITE || hold === HOLD_PIN_WRITE,
    follPin: hold === HOLD_PIN_RO || hold === HOLD_PIN_WRITE,
    dirties,
    slow,
  }
}

/** By PIN_*: made once, for there is one for every pin. */
function wants(odirect: number): readonly Want[] {
  const kinds: Want[] = []
  kinds[PIN_VMSPLICE] = want(HOLD_GET_RO, false)
  kinds[PIN_IOURING] = want(HOLD_PIN_WRITE, true)
  kinds[PIN_ODIRECT] = want(odirect, false, true)
  kinds[PIN_DMAPIN] = want(HOLD_PIN_WRITE, false, true)
  kinds[PIN_ROPIN] = want(HOLD_PIN_RO, true)
  return kinds
}

const WITH_GET: readonly Want[] = wants(HOLD_GET_WRITE)
const WITH_PIN: readonly Want[] = wants(HOLD_PIN_WRITE)

export function wantOf(era: Era, kind: number): Want {
  const known = (era.odirect === 'pin' ? WITH_PIN : WITH_GET)[kind]
  if (known === undefined) throw new RangeError(`unknown pin kind: ${kind}`)
  return known
}
