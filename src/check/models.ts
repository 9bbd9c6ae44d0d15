/**
 * MODELS: the small worlds that are explored, smallest first, each with what may happen in it. docs/check.md lists them.
 */
import { type Action, actionsOf, type Part, PIN_NAMES } from './actions.ts'

export interface Model {
  readonly name: string
  /** How much may happen in it at once: random sequences are drawn in the widest model of a search. */
  readonly width: number
  /** Levels deeper than asked for: what has little to do goes further in the same time. */
  readonly deeper: number
  /** At most, at a time. */
  readonly processes: number
  readonly pins: number
  /** Of a small world's area; in a .cow file an area of 4 pages is one of 512, a whole page table's. */
  readonly pages: 1 | 4
  readonly thp: boolean
  /** May KSM merge the area's pages from the beginning? */
  readonly mergeable: boolean
  /** Capabilities that a policy or era may lack. */
  readonly needs: readonly string[]
  readonly actions: readonly Action[]
}

const FIRST: Part = { vpn: 0, pages: 1, text: 'buf[0]' }
const SECOND: Part = { vpn: 1, pages: 1, text: 'buf[1]' }
const BOTH: Part = { vpn: 0, pages: 2, text: 'buf[0..1]' }
const ALL: Part = { vpn: 0, pages: 4, text: 'buf' }
const PINS = Object.keys(PIN_NAMES)

const FORK_PIN = ['write', 'read', 'fork', 'exit', 'munmap', ...PINS, 'unpin', 'devwrite', 'drain']
const PROTECT = ['ro', 'rw', 'clearrefs', 'uffdwp', 'resolve', 'poke']

interface Spec extends Omit<Model, 'actions' | 'needs' | 'thp' | 'mergeable' | 'deeper' | 'width'> {
  readonly width?: number
  readonly deeper?: number
  readonly thp?: boolean
  readonly mergeable?: boolean
  /** Words, by the parts of the area that they are said of. */
  readonly words: readonly (readonly [readonly Part[], readonly string[]])[]
}

function model({
  words,
  thp = false,
  mergeable = false,
  deeper = 0,
  width = 1,
  ...spec
}: Spec): Model {
  const { processes, pins } = spec
  return {
    ...spec,
    ...{ thp, mergeable, deeper, width },
    needs: thp ? ['thp'] : [],
    actions: words.flatMap(([parts, list]) =>
      list.flatMap((word) => actionsOf(word, parts, processes, pins)),
    ),
  }
}

/** Searched unless others are asked for. */
export const MODELS: readonly Model[] = [
  model({
    ...{ name: 'fork-pin', processes: 2, pages: 1, pins: 1 },
    words: [[[FIRST], FORK_PIN]],
  }),
  // fork-pin, and the page may be swapped out or given up.
  model({
    ...{ name: 'swap', processes: 2, pages: 1, pins: 1, width: 2 },
    words: [[[FIRST], [...FORK_PIN, 'swapout', 'dontneed', 'free']]],
  }),
  // The swap device may still be writing the page.
  model({
    ...{ name: 'writeback', processes: 2, pages: 1, pins: 1 },
    words: [
      [[FIRST], ['write', 'read', 'fork', 'munmap', ...PINS, 'unpin', 'devwrite']],
      [[FIRST], ['writeback', 'writebackend']],
    ],
  }),
  // fork-pin with mprotect, clear_refs, userfaultfd write-protection and forced stores.
  model({
    ...{ name: 'protect', processes: 2, pages: 1, pins: 1, width: 2 },
    words: [[[FIRST], [...FORK_PIN, ...PROTECT]]],
  }),
  model({
    ...{ name: 'family', processes: 3, pages: 1, pins: 2, width: 2 },
    words: [
      [
        [FIRST],
        ['write', 'read', 'fork', 'exit', 'munmap', 'vmsplice', 'ropin', 'dmapin', 'swapout'],
      ],
    ],
  }),
  // Two pages of one page table, which fork may share.
  model({
    ...{ name: 'tables', processes: 2, pages: 4, pins: 1, width: 2 },
    words: [
      [[FIRST], ['write', 'read', ...PINS, 'swapout']],
      [[SECOND], ['write']],
      [[ALL], ['munmap', 'dontneed']],
      [[], ['fork', 'exit', 'unpin', 'devwrite']],
    ],
  }),
  // One huge page of four.
  model({
    ...{ name: 'thp', processes: 2, pages: 4, pins: 1, thp: true, width: 4 },
    words: [
      [[FIRST], ['write', 'read', ...PINS, 'ro', 'rw', 'munmap']],
      [[SECOND], ['write', 'vmsplice', 'dmapin']],
      [[ALL], ['munmap', 'swapout', 'ro', 'rw', 'collapse']],
      [[], ['fork', 'exit', 'unpin', 'devwrite', 'clearrefs']],
    ],
  }),
  // Two pages that KSM may merge.
  model({
    ...{ name: 'ksm', processes: 2, pages: 4, pins: 1, mergeable: true, width: 3 },
    words: [
      [[FIRST], ['write', 'read', ...PINS, 'ro', 'rw', 'swapout']],
      [[SECOND], ['write', 'swapout']],
      [[BOTH], ['same', 'munmap']],
      [[], ['ksmwait', 'fork', 'exit', 'unpin', 'devwrite']],
    ],
  }),
  // Reclaim, GUP-fast and stores in their steps.
  model({
    ...{ name: 'race', processes: 1, pages: 1, pins: 1, deeper: 6, width: 0 },
    words: [
      [
        [FIRST],
        [
          'write',
          'read',
          'odirect',
          'dmapin',
          'begin swapout',
          'begin odirect',
          'begin dmapin',
          'begin write',
        ],
      ],
      [[], ['step', 'unpin', 'devwrite']],
    ],
  }),
  // Fork, GUP-fast and stores in their steps.
  model({
    ...{ name: 'fork-race', processes: 2, pages: 1, pins: 1, deeper: 2, width: 0 },
    words: [
      [
        [FIRST],
        ['write', 'begin fork', 'begin vmsplice', 'begin odirect', 'begin dmapin', 'begin write'],
      ],
      [[FIRST], ['munmap']],
      [[], ['step', 'unpin', 'devwrite', 'exit']],
    ],
  }),
  // All of these at once, but for KSM, writeback and steps.
  model({
    ...{ name: 'union', processes: 3, pages: 4, pins: 2, thp: true, deeper: -2, width: 5 },
    words: [
      [[FIRST], [...FORK_PIN, ...PROTECT, 'swapout', 'dontneed', 'free']],
      [[SECOND], ['write', 'vmsplice', 'dmapin']],
      [[ALL], ['munmap', 'swapout', 'dontneed', 'ro', 'rw', 'uffdwp', 'resolve', 'collapse']],
      [[], ['clearrefs']],
    ],
  }),
]

/**
 * What the mechanism loses under any policy, asked for by name alone: two processes, one page that MADV_FREE gives up and
 * reclaim takes, one buffer of io_uring.
 */
const LAZYFREE = model({
  ...{ name: 'lazyfree', processes: 2, pages: 1, pins: 1 },
  words: [
    [[FIRST], ['write', 'read', 'fork', 'exit', 'swapout', 'iouring', 'unpin']],
    [[FIRST], ['free anyway', 'devwrite anyway']],
  ],
})

export const EVERY_MODEL: readonly Model[] = [...MODELS, LAZYFREE]
