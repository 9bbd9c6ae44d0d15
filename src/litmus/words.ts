/**
 * Words: what one operation of a litmus test was seen to do, page by page, and how runs of pages are written.
 *
 * Words are observations (frames before and after, and whether a fault was taken), not decisions of a policy, so that
 * real kernels and the model can be compared. While a test runs they are small integers, labels in the outcome.
 */

import { STEP_ALL, STEP_LABELS } from '../trace/steps.ts'

export const NOFAULT = 0
export const REUSE = 1
export const COPY = 2
/** The three words that say `thp_` when the frame before was part of an order-9 folio: their code plus THP. */
export const THP = 3
export const THP_COPY_ORDER0 = 5
export const THP_COPY_HUGE = 6
export const ZEROPAGE_TO_ANON = 7
export const ZEROPAGE_TO_THP = 8
export const KSM_COPY = 9
export const SWAPIN_W = 10
export const ZEROFILL = 11
export const THP_FILL = 12
export const SEGV = 13
export const ZEROPAGE = 14
export const HUGEZEROPAGE = 15
export const SWAPIN = 16
/** A load found the page of a file or of shared memory: no record holds one. */
export const PAGECACHE = 17
export const INPLACE = 18
export const FILL = 19
export const COHERENT = 20
export const INCOHERENT = 21
export const LEAK = 22
export const NOLEAK = 23
export const ERROR = 24
/** userfaultfd's manager was asked, and put the page in. */
export const PROVIDED = 25
/** It would sleep on a lock that an operation in the middle of its steps holds; nothing changed. */
export const WAITS = 26

const WORDS: readonly string[] = [
  'nofault',
  'reuse',
  'copy',
  'thp_nofault',
  'thp_reuse',
  'thp_copy_order0',
  'thp_copy_huge',
  'zeropage_to_anon',
  'zeropage_to_thp',
  'ksm_copy',
  'swapin_w',
  'zerofill',
  'thp_fill',
  'segv',
  'zeropage',
  'hugezeropage',
  'swapin',
  'pagecache',
  'inplace',
  'fill',
  'coherent',
  'incoherent',
  'leak',
  'noleak',
  'error',
  'provided',
  'waits',
]

export const STORE_WORDS = WORDS.slice(NOFAULT, SEGV + 1)
export const LOAD_WORDS = [
  'nofault',
  'zeropage',
  'hugezeropage',
  'swapin',
  'pagecache',
  'provided',
  'segv',
]
export const POKE_WORDS = ['inplace', 'copy', 'fill', 'error']
export const DEVREAD_WORDS = ['coherent', 'incoherent', 'leak', 'noleak', 'error']
export const PIN_WORDS = ['ok', 'moved', 'error']
export const PLAIN_WORDS = ['ok', 'error']
/** The step that was made last; with the last one, what the whole operation says; `over` if that was before. */
export const STEP_WORDS = [
  ...STEP_LABELS.slice(STEP_ALL + 1),
  ...STORE_WORDS,
  'ok',
  'moved',
  'error',
  'over',
]

export interface PageOutcome {
  readonly page: number
  readonly outcome: string
}

/** `codes[0..pages-1]`, of the pages from `first` on, as runs: `0..3=reuse,5=copy`. */
export function formatRuns(codes: Uint8Array, first: number, pages: number): string {
  let text = ''
  for (let from = 0; from < pages; ) {
    const code = codes[from]
    let to = from + 1
    while (to < pages && codes[to] === code) to++
    if (from > 0) text += ','
    text += first + from
    if (to - from > 1) text += `..${first + to - 1}`
    text += `=${wordOf(code)}`
    from = to
  }
  return text
}

/** The pages of an outcome written as runs, in order. Throws RangeError on anything else. */
export function parseRuns(outcome: string): PageOutcome[] {
  const pages: PageOutcome[] = []
  for (const run of outcome.split(',')) {
    const match = /^(\d+)(?:\.\.(\d+))?=([a-z0-9_+]+)$/.exec(run)
    const from = Number(match?.[1])
    const to = Number(match?.[2] ?? from)
    const word = match?.[3]
    if (word === undefined || to < from) throw new RangeError(`invalid outcome: ${outcome}`)
    for (let page = from; page <= to; page++) pages.push({ page, outcome: word })
  }
  return pages
}

export function wordOf(code: number | undefined): string {
  return WORDS[code ?? -1] ?? ''
}
