/**
 * random: random litmus tests; this file knows what is written how often, author.ts how. A test is a list of lines, so
 * that it can be printed, shrunk and kept as it is.
 */
import { Rng } from '../trace/rng.ts'
import { Author, type RandomOptions } from './author.ts'

/** The lines of test `index` of the seed. */
export function randomTest(seed: number, index: number, options: RandomOptions): string[] {
  const rng = new Rng(seed, `live/${index}`)
  const author = new Author(rng, options)
  const theme = rng.pick(options.device ? DEVICE_THEMES : THEMES)
  const rows = [
    ...WEIGHTS,
    ...(options.ksm ? KSM_WEIGHTS : []),
    ...(options.softDirty ? SOFT_DIRTY_WEIGHTS : []),
  ]
  const weights = rows.map(([what, weight]) => {
    return theme.includes(what) ? weight * THEME_FACTOR : weight
  })
  const lines = author.begin()
  const length = 6 + rng.below(rng.chance(10) ? 60 : 25)
  while (lines.length < length) {
    const line = rows[rng.weighted(weights)]?.[2](author)
    if (line !== undefined) lines.push(...line.split('\n'))
  }
  return lines
}

/** An operation, how often it is written, out of the sum of all, and what writes it. */
type Row = readonly [string, number, (author: Author) => string | undefined]

const WEIGHTS: readonly Row[] = [
  ['write', 30, (author) => author.onRange('write', '')],
  ['read', 12, (author) => author.onRange('read', '')],
  ['fork', 10, (author) => author.fork()],
  ['exit', 6, (author) => author.exit()],
  ['exec', 1, (author) => author.exec()],
  ['mmap', 4, (author) => author.mmap()],
  ['munmap', 4, (author) => author.munmap()],
  ['mprotect', 8, (author) => author.overHoles('mprotect', author.rng.pick(['ro', 'rw', 'rw']))],
  ['entries', 4, (author) => author.mapByEntries()],
  ['dontneed', 5, (author) => author.overHoles('madvise', 'dontneed')],
  ['free', 3, (author) => author.overHoles('madvise', 'free')],
  ['collapse', 3, (author) => author.collapse()],
  ['nohugepage', 1, (author) => author.onRange('madvise', 'nohugepage')],
  ['hugepage', 1, (author) => author.hugepage()],
  ['dontfork', 2, (author) => author.dontfork()],
  ['mremap', 3, (author) => author.mremap()],
  ['pin', 7, (author) => author.pin()],
  ['unpin', 3, (author) => author.unpin()],
  ['devread', 6, (author) => author.device('devread')],
  ['devwrite', 3, (author) => author.device('devwrite')],
  ['uffdwp', 5, (author) => author.uffdwp()],
  ['poke', 2, (author) => author.poke()],
  ['writesame', 1, (author) => author.onRange('writesame', '')],
  ['drain', 1, () => 'drain'],
  ['show', 1, (author) => author.onRange('show', '')],
  ['swapout', 5, (author) => author.swapout()],
  ['pageout', 3, (author) => author.pageout()],
]

/** The same where ksmd comes when it is called. */
const KSM_WEIGHTS: readonly Row[] = [
  ['mergeable', 6, (author) => author.onRange('madvise', 'mergeable')],
  ['equal', 6, (author) => author.onRange('writesame', '')],
  ['ksmwait', 4, (author) => author.ksmwait()],
]

/** The same where the kernel tracks what is soft-dirty. */
const SOFT_DIRTY_WEIGHTS: readonly Row[] = [['clearrefs', 4, (author) => author.clearRefs()]]

/** Half of the tests are about something: these operations come four times as often. */
const THEMES: readonly (readonly string[])[] = [
  [],
  [],
  [],
  [],
  ['fork', 'exit', 'entries', 'munmap'],
  ['pin', 'devread', 'devwrite', 'fork'],
  ['uffdwp', 'mprotect', 'entries', 'fork'],
  ['free', 'dontneed', 'collapse', 'mremap', 'pageout'],
]
/** The same where there is a device. */
const DEVICE_THEMES = [...THEMES, ['swapout', 'read', 'fork', 'pin', 'exit']]
const THEME_FACTOR = 4
