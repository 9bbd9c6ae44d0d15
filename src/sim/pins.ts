/**
 * Pins: references that a process holds on frames, whatever its page tables show meanwhile.
 */
import { PG_DIRTY } from '../state/frames.ts'
import type { Pin } from '../state/holders.ts'
import { FAILED, OK } from './answers.ts'
import type { Machine } from './machine.ts'
import { pageIsReleased } from './own-bits.ts'
import { putPlain } from './plain-gup.ts'

/** Unpinning twice, or a pin that its owner's exit has dropped, is no operation. */
export function unpin(m: Machine, id: number): number {
  const taken = m.k.pins.get(id)
  if (taken === undefined) return FAILED
  dropPin(m, taken)
  m.endCall()
  return OK
}

export function dropPin(m: Machine, taken: Pin): void {
  m.k.holders.removePages(taken)
  if (m.policy.pageBits === null) putPlain(m, taken)
  else {
    for (let i = 0; i < taken.frames.length; i++) {
      if (taken.dirties) m.frames.set(m.frames.head(taken.frames[i]!), PG_DIRTY)
      letPageGo(m, taken, i)
    }
  }
  m.judge.unpin(taken.id)
  forgetPin(m, taken)
}

/** It has given its pages back. */
export function forgetPin(m: Machine, taken: Pin): void {
  m.k.pins.delete(taken.id)
  m.k.holders.recycle(taken)
}

export function getPage(m: Machine, taken: Pin, i: number): void {
  const { frames } = m
  const pfn = taken.frames[i]!
  if (taken.follPin) frames.pin(frames.head(pfn))
  else frames.hold(frames.head(pfn))
  m.k.holders.add(pfn, taken)
}

export function putPage(m: Machine, taken: Pin, i: number): void {
  m.k.holders.remove(taken.frames[i]!, taken)
  letPageGo(m, taken, i)
}

function letPageGo(m: Machine, taken: Pin, i: number): void {
  const { frames } = m
  const pfn = taken.frames[i]!
  if (taken.follPin) frames.unpin(frames.head(pfn))
  else frames.unhold(frames.head(pfn))
  pageIsReleased(m, pfn, taken.follPin)
  frames.freeIfUnused(pfn)
}
