/** look: what an observer sees of a page before and after an operation, in words. */
import {
  DONE,
  type LitmusMachine,
  MUST_WAIT,
  PAGE_HUGE,
  PAGE_HUGE_ZERO,
  PAGE_KSM,
  PAGE_NONE,
  PAGE_SWAP,
  PAGE_ZERO,
} from './machine-shape.ts'
import type { Operation } from './program.ts'
import * as W from './words.ts'

export interface PageBefore {
  readonly frame: number
  /** PAGE_* */
  readonly kind: number
}

export function pageBefore(m: LitmusMachine, mm: number, vpn: number): PageBefore {
  return { frame: m.frameOf(mm, vpn), kind: m.pageKind(mm, vpn) }
}

/** What became of a page that was stored to. */
export function storeWord(
  m: LitmusMachine,
  { frame, kind: before }: PageBefore,
  faulted: boolean,
  mm: number,
  vpn: number,
): number {
  if (before === PAGE_NONE) return m.pageKind(mm, vpn) === PAGE_HUGE ? W.THP_FILL : W.ZEROFILL
  if (before === PAGE_SWAP) return W.SWAPIN_W
  if (m.frameOf(mm, vpn) === frame) {
    const word = faulted ? W.REUSE : W.NOFAULT
    return before === PAGE_HUGE ? word + W.THP : word
  }
  const huge = m.pageKind(mm, vpn) === PAGE_HUGE
  switch (before) {
    case PAGE_ZERO:
    case PAGE_HUGE_ZERO:
      return huge ? W.ZEROPAGE_TO_THP : W.ZEROPAGE_TO_ANON
    case PAGE_KSM:
      return W.KSM_COPY
    case PAGE_HUGE:
      return huge ? W.THP_COPY_HUGE : W.THP_COPY_ORDER0
    default:
      return W.COPY
  }
}

export function presence(m: LitmusMachine, { mm, vpn, pages }: Operation): string {
  let present = 0
  let swapped = 0
  for (let i = 0; i < pages; i++) {
    const kind = m.pageKind(mm, vpn + i)
    if (kind === PAGE_SWAP) swapped++
    else if (kind !== PAGE_NONE) present++
  }
  return `n${pages}:present${present}:swapped${swapped}`
}

export function answerWord(answer: number): string {
  if (answer === DONE) return 'ok'
  return answer === MUST_WAIT ? 'waits' : 'error'
}
