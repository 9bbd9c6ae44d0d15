/**
 * lost-events: accesses to pages that a manager was promised to be asked for, without an event (I4 of results/README.md).
 */
import type { BreachKind } from './judge.ts'
import type { Ledger } from './ledger.ts'
import type { Shadow } from './shadow.ts'
import { NOBODY } from './tokens.ts'

const NONE = -1

/** A load or store by the process: the first one to an unmapped page of a registered range needs its event. */
export function checkAccess(
  shadow: Shadow,
  ledger: Ledger,
  mm: number,
  vpn: number,
  id: number,
): void {
  const { objects, userfaults } = shadow
  if (shadow.promisesEvent(mm, vpn, id, ledger.event)) {
    if (userfaults.isRequested(mm, vpn)) ledger.counts.requested_lost_events++
    recordLostEvent(shadow, ledger, 'lost_access_event', mm, vpn, id)
  }
  userfaults.present(mm, vpn, 1)
  if (objects.isShared(id)) objects.touch(id)
}

export function recordLostEvent(
  shadow: Shadow,
  ledger: Ledger,
  kind: BreachKind,
  mm: number,
  vpn: number,
  id: number,
): void {
  ledger.record({
    kind,
    event: ledger.event,
    mm,
    vpn,
    pin: NONE,
    hold: NONE,
    token: 0,
    author: NOBODY,
    expected: shadow.content(id),
    cause: null,
  })
}
