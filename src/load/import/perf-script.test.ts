import { describe, expect, test } from 'vitest'
import {
  ANON,
  call,
  type Event,
  execed,
  exited,
  FIXED_ANON,
  fault,
  faults,
  forked,
  mmap,
  other,
  PRIVATE_FILE,
  perfText,
  record,
  returned,
  SHARED_ANON,
  SHARED_FILE,
  traceText,
} from '../../test/perf-text.ts'
import { RECORDING_LABELS } from '../../trace/recording.ts'
import { validateTrace } from '../../trace/validate.ts'
import type { Import } from './importer.ts'
import { importPerfScript } from './perf-script.ts'
import { sum } from './statistics.ts'

// Error codes: bit 0 present, 1 write, 2 user, 4 instruction fetch.
const LOAD_HOLE = 0x4
const STORE_HOLE = 0x6
const STORE_PRESENT = 0x7
const FETCH_HOLE = 0x14
const KERNEL_STORE_HOLE = 0x2

const PAGE = 4096
const REGION = 512 * PAGE
/** Three neighbouring 2 MiB regions for data, and the end of the stack, far away from them. */
const A = 0x7f0000000000
const B = A + REGION
const C = B + REGION
const STACK = 0x7fff00000000

const P = '10/10'
const CHILD = '20/20'

async function importText(text: string): Promise<Import> {
  const imported = await importPerfScript(() => [text.split('\n').slice(0, -1)], 'x.perf.txt')
  // Whatever is imported: a sound trace, a recording as long, and every line with one fate.
  expect(validateTrace(imported.trace)).toEqual([])
  const { lines, used, ignored, unplaced } = imported.statistics
  expect(used + sum(ignored) + sum(unplaced)).toBe(lines)
  const accesses = traceText(imported.trace).filter((line) => /^(load|store) /.test(line))
  expect(imported.recording.length).toBe(accesses.length)
  return imported
}

/** Imports what `P` and its family do, after an exec. Gives the trace between that and what follows. */
async function importOf(...events: Event[]): Promise<Import & { text: string[] }> {
  // A recording without a fault or a fork would be refused.
  const last = [fault(P, 2 ** 60, LOAD_HOLE), forked(P, 99), exited('99/99', true)]
  const imported = await importText(perfText(execed(P, STACK), ...events, ...last))
  const text = traceText(imported.trace)
  return { ...imported, text: text.slice(1, -2) }
}

const recorded = ({ recording }: Import): string[] =>
  [...recording].map((code) => RECORDING_LABELS[code]!)

describe('page numbers', () => {
  test('are dense by 2 MiB region in the order of touch, and keep a page’s place in its region', async () => {
    const { text } = await importOf(
      mmap(P, A, 3 * 512, ANON),
      fault(P, C + 7 * PAGE, STORE_HOLE),
      fault(P, A + 5 * PAGE, STORE_HOLE),
      fault(P, C + 8 * PAGE, STORE_HOLE),
    )
    // Only touched regions are mapped: C becomes pages 0 to 511, A pages 512 to 1023, B nothing.
    expect(text).toEqual([
      'mmap 0: 0 512 0 3 0 0 0',
      'store 0: 7',
      'mmap 0: 512 512 0 3 0 0 0',
      'store 0: 517',
      'store 0: 8',
    ])
  })

  test('do not grow with a reservation that nobody touches', async () => {
    const { text } = await importOf(
      mmap(P, A, 2 ** 28, ANON, { prot: 0 }), // a terabyte
      call(P, 'mprotect', A + 2 ** 39, PAGE, 3),
      fault(P, A + 2 ** 39, STORE_HOLE),
      call(P, 'munmap', A, 2 ** 40),
    )
    expect(text).toEqual([
      'mmap 0: 0 1 0 3 0 0 0',
      'mmap 0: 1 511 0 0 0 0 0',
      'store 0: 0',
      'munmap 0: 0 1',
      'munmap 0: 1 511',
    ])
  })

  test('are handed on to children, and begin anew with an exec', async () => {
    const { text } = await importOf(
      mmap(P, A, 512, ANON),
      fault(P, A, STORE_HOLE),
      forked(P, 20),
      fault(CHILD, A, STORE_PRESENT),
      execed(CHILD, STACK),
      mmap(CHILD, C, 4, ANON),
      fault(CHILD, C + PAGE, STORE_HOLE),
    )
    expect(text).toEqual([
      'mmap 0: 0 512 0 3 0 0 0',
      'store 0: 0',
      'fork 0: 1',
      'store 1: 0',
      'exec 1',
      'mmap 1: 0 4 0 3 0 0 0',
      'store 1: 1',
    ])
  })
})

describe('children', () => {
  test('whose lines carry the parent’s process id are threads', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 8, ANON),
      forked(P, 11, 'clone3'),
      fault('10/11', A, STORE_HOLE),
      exited('10/11', false),
    )
    expect(text).toEqual(['mmap 0: 0 8 0 3 0 0 0', 'store 0: 0'])
    expect(statistics).toMatchObject({ threads: 1, forks: 1, processes: 2, exits: 1 })
  })

  test('with a process id of their own are processes with a copy of the mappings', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 8, ANON),
      fault(P, A, STORE_HOLE),
      forked(P, 20),
      fault(CHILD, A, STORE_PRESENT),
      fault(P, A, STORE_PRESENT),
      exited(CHILD, true),
    )
    expect(text).toEqual([
      'mmap 0: 0 8 0 3 0 0 0',
      'store 0: 0',
      'fork 0: 1',
      'store 1: 0',
      'store 0: 0',
      'exit 1',
    ])
    expect(statistics).toMatchObject({ threads: 0, forks: 2, processes: 3, exits: 2 })
  })

  test('cloned with CLONE_VM run in their parent’s memory until they exec', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 8, ANON),
      forked(P, 20, 0x4100 | 0x11), // CLONE_VFORK | CLONE_VM | SIGCHLD
      fault(CHILD, A, STORE_HOLE),
      execed(CHILD, STACK),
      mmap(CHILD, A, 1, ANON),
      fault(CHILD, A, STORE_HOLE),
      exited(CHILD, true),
      fault(P, A + PAGE, STORE_HOLE),
    )
    expect(text).toEqual([
      'mmap 0: 0 8 0 3 0 0 0',
      'store 0: 0',
      'spawn 1',
      'mmap 1: 0 1 0 3 0 0 0',
      'store 1: 0',
      'exit 1',
      'store 0: 1',
    ])
    expect(statistics).toMatchObject({ vforks: 1, forks: 1, execs: 2, exits: 2 })
  })

  test('cloned with unknown flags share memory if they come to an exec without breaking COW', async () => {
    const story = (...first: Event[]): Promise<Import> =>
      importOf(
        mmap(P, A, 8, ANON),
        fault(P, A, STORE_HOLE),
        forked(P, 20, 'clone3'),
        ...first,
        execed(CHILD, STACK),
      )
    expect((await story()).statistics).toMatchObject({ vforks: 1, forks: 1 })
    const forks = await story(fault(CHILD, A, STORE_PRESENT))
    expect(forks.statistics).toMatchObject({ vforks: 0, forks: 2 })
  })

  test('that no later line names leave no process behind', async () => {
    const { text, statistics } = await importOf(forked(P, 20))
    expect(text).toEqual([])
    expect(statistics.ignored).toMatchObject({ 'fork of a child that no later line names': 1 })
  })

  test('may have the id of a process that has exited', async () => {
    const { text } = await importOf(
      mmap(P, A, 8, ANON),
      fault(P, A, STORE_HOLE),
      forked(P, 20),
      exited(CHILD, true),
      forked(P, 20),
      fault(CHILD, A, STORE_PRESENT),
    )
    expect(text.slice(2)).toEqual(['fork 0: 1', 'exit 1', 'fork 0: 2', 'store 2: 0'])
  })
})

describe('exit', () => {
  test('of the last thread ends a process, also where the kernel does not say which is the last', async () => {
    const { text, statistics } = await importOf(
      forked(P, 20),
      forked(CHILD, 21, 'clone3'),
      fault('20/21', A, STORE_HOLE),
      exited(CHILD),
      fault('20/21', A + PAGE, STORE_HOLE),
      exited('20/21'),
      fault('20/21', A, STORE_HOLE),
    )
    expect(text).toEqual([
      'fork 0: 1',
      'mmap 1: 0 512 0 3 0 0 0',
      'store 1: 0',
      'store 1: 1',
      'exit 1',
    ])
    expect(statistics.unplaced).toEqual({ 'event after the exit of its process': 1 })
  })
})

describe('exec', () => {
  test('begins where its stack is mapped, before the line that names it', async () => {
    const imported = await importText(
      perfText(
        fault(P, A, STORE_HOLE), // still in the old image
        execed(P, STACK, [
          record(P, A, 2, 'rw-p', 'prog', 7),
          fault(P, A + PAGE, KERNEL_STORE_HOLE, 'kernel'),
        ]),
        fault(P, A, STORE_HOLE),
        forked(P, 20),
        exited(CHILD, true),
      ),
    )
    expect(traceText(imported.trace)).toEqual([
      'spawn 0',
      'mmap 0: 0 512 0 3 0 0 0',
      'store 0: 0',
      'exec 0',
      'mmap 0: 0 2 1 3 0 1 0',
      'store 0: 1',
      'store 0: 0',
      'fork 0: 1',
      'exit 1',
    ])
    expect(imported.program).toBe('/bin/some prog')
  })

  test('fills the stack from its top down to where the first store finds a hole', async () => {
    const imported = await importOf(
      fault(P, STACK - 3 * PAGE, KERNEL_STORE_HOLE, 'kernel'),
      fault(P, STACK - 4 * PAGE, STORE_HOLE),
    )
    // The stack's 33 pages end at a region's end: pages 479 to 511.
    expect(imported.text).toEqual([
      'mmap 0: 479 33 0 3 0 0 0',
      'store 0: 510',
      'store 0: 511',
      'store 0: 509',
      'store 0: 508',
    ])
    expect(imported.statistics.inserted).toEqual({
      'stack page that exec filled with arguments': 2,
    })
  })
})

describe('mappings', () => {
  test('are private or shared, anonymous or of a file, with protection and place in the file', async () => {
    const { text } = await importOf(
      mmap(P, A, 2, PRIVATE_FILE, { inode: 7, pgoff: 3 }),
      mmap(P, A + 2 * PAGE, 2, SHARED_FILE, { inode: 8, prot: 1 }),
      mmap(P, A + 4 * PAGE, 2, SHARED_ANON, { inode: 9 }),
      mmap(P, A + 6 * PAGE, 2, PRIVATE_FILE, { inode: 7, prot: 5, pgoff: 9 }),
      mmap(P, A + 8 * PAGE, 2, ANON, { prot: 0 }),
      fault(P, A, LOAD_HOLE),
    )
    expect(text).toEqual([
      'mmap 0: 0 2 1 3 0 1 3',
      'mmap 0: 2 2 2 1 0 2 0',
      'mmap 0: 4 2 2 3 0 3 0',
      'mmap 0: 6 2 1 1 0 1 9',
      'mmap 0: 8 2 0 0 0 0 0',
      'load 0: 0',
    ])
  })

  test('of one file are one object in all processes', async () => {
    const { text } = await importOf(
      forked(P, 20),
      mmap(P, A, 2, SHARED_FILE, { inode: 8 }),
      fault(P, A, STORE_HOLE),
      mmap(CHILD, B, 2, SHARED_FILE, { inode: 8 }),
      fault(CHILD, B, STORE_HOLE),
    )
    expect(text.filter((line) => line.startsWith('mmap'))).toEqual([
      'mmap 0: 0 2 2 3 0 1 0',
      'mmap 1: 512 2 2 3 0 1 0',
    ])
  })

  test('take the place of what they are put over', async () => {
    const { text } = await importOf(
      mmap(P, A, 8, ANON),
      faults(P, A, 8, STORE_HOLE),
      mmap(P, A + 2 * PAGE, 3, FIXED_ANON, { prot: 1 }),
      fault(P, A + 2 * PAGE, LOAD_HOLE),
    )
    expect(text.slice(9)).toEqual(['munmap 0: 2 3', 'mmap 0: 2 3 0 1 0 0 0', 'load 0: 2'])
  })

  test('end with munmap, as far as it reaches', async () => {
    const { text } = await importOf(
      mmap(P, B - 4 * PAGE, 8, ANON),
      faults(P, B - 4 * PAGE, 8, STORE_HOLE),
      call(P, 'munmap', B - PAGE, PAGE + 1), // rounded up to two pages, in two regions
    )
    expect(text.slice(-2)).toEqual(['munmap 0: 511 1', 'munmap 0: 512 1'])
  })

  test('change their protection', async () => {
    const { text } = await importOf(
      mmap(P, A, 8, ANON),
      fault(P, A, STORE_HOLE),
      call(P, 'mprotect', A + PAGE, 2 * PAGE, 0),
      call(P, 'mprotect', A + PAGE, 2 * PAGE, 3),
      call(P, 'mprotect', A, 8 * PAGE, 3), // as it was: nothing to say
      call(P, 'mprotect', A, 8 * PAGE, 5),
    )
    expect(text.slice(2)).toEqual(['mprotect 0: 1 2 0', 'mprotect 0: 1 2 3', 'mprotect 0: 0 8 1'])
  })

  test('that the kernel keeps apart stay apart: code and data, and what was ever writable', async () => {
    const { text } = await importOf(
      mmap(P, A, 2, PRIVATE_FILE, { inode: 7, prot: 1 }),
      mmap(P, A + 2 * PAGE, 2, PRIVATE_FILE, { inode: 7, prot: 5, pgoff: 2 }),
      mmap(P, A + 4 * PAGE, 2, PRIVATE_FILE, { inode: 7, prot: 1, pgoff: 4 }),
      mmap(P, A + 6 * PAGE, 2, PRIVATE_FILE, { inode: 7, prot: 3, pgoff: 6 }),
      call(P, 'mprotect', A + 6 * PAGE, 2 * PAGE, 1), // relocated and made read-only
      mmap(P, A + 8 * PAGE, 2, ANON),
      mmap(P, A + 10 * PAGE, 2, ANON), // joins the one before
      fault(P, A, LOAD_HOLE),
    )
    expect(text).toEqual([
      'mmap 0: 0 2 1 1 0 1 0',
      'mmap 0: 2 2 1 1 0 1 2',
      'mmap 0: 4 2 1 1 0 1 4',
      'mmap 0: 6 2 1 1 0 1 6',
      'mmap 0: 8 4 0 3 0 0 0',
      'load 0: 0',
    ])
  })

  test('that failed do not exist', async () => {
    const { text, statistics } = await importOf(
      call(P, 'mmap', 0, PAGE, 3, ANON, 0xffffffff, 0),
      returned(P, 'mmap', '0xfffffffffffffff4'),
    )
    expect(text).toEqual([])
    expect(statistics.ignored).toMatchObject({ 'mmap that failed': 2 })
  })

  test('under MAP_POPULATE are filled without a fault', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 2, ANON | 0x8000),
      mmap(P, A + 2 * PAGE, 1, PRIVATE_FILE | 0x8000, { inode: 7, prot: 1 }),
    )
    expect(text).toEqual([
      'mmap 0: 0 2 0 3 0 0 0',
      'store 0: 0',
      'store 0: 1',
      'mmap 0: 2 1 1 1 0 1 0',
      'load 0: 2',
    ])
    expect(statistics.inserted).toEqual({ 'page that MAP_POPULATE or MADV_POPULATE filled': 3 })
  })

  test('that perf saw outside any call are learnt, and what is known already stays', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 4, ANON),
      fault(P, A, STORE_HOLE),
      record(P, A, 4, 'rw-p'), // as known
      record(P, A, 6, 'rw-p'), // two pages more: a call was lost
      record(P, A, 2, 'r--p'), // an mprotect was lost
      record(P, A + 4 * PAGE, 2, 'r--p', 'libc.so.6', 7, 3), // replaced: munmap and mmap were lost
    )
    expect(text.slice(2)).toEqual([
      'mmap 0: 4 2 0 3 0 0 0',
      'mprotect 0: 0 2 1',
      'munmap 0: 4 2',
      'mmap 0: 4 2 1 1 0 1 3',
    ])
    expect(statistics.ignored).toMatchObject({ 'mapping that is known already': 1 })
  })
})

describe('the heap', () => {
  test('follows the program break up and down', async () => {
    const { text } = await importOf(
      call(P, 'brk', 0),
      returned(P, 'brk', A),
      call(P, 'brk', A + 4 * PAGE),
      record(P, A, 4, 'rw-p', '[heap]'),
      returned(P, 'brk', A + 4 * PAGE),
      faults(P, A, 4, STORE_HOLE),
      call(P, 'brk', A + PAGE),
      returned(P, 'brk', A + PAGE),
      call(P, 'brk', A + 2 * PAGE),
      returned(P, 'brk', A + 2 * PAGE),
    )
    expect(text).toEqual([
      'mmap 0: 0 4 0 3 0 0 0',
      'store 0: 0',
      'store 0: 1',
      'store 0: 2',
      'store 0: 3',
      'munmap 0: 1 3',
      'mmap 0: 1 1 0 3 0 0 0',
    ])
  })

  test('of a child goes its own way', async () => {
    const { text } = await importOf(
      returned(P, 'brk', A),
      returned(P, 'brk', A + 2 * PAGE),
      fault(P, A, STORE_HOLE),
      forked(P, 20),
      returned(CHILD, 'brk', A + 3 * PAGE),
      returned(P, 'brk', A + PAGE),
    )
    expect(text.slice(2)).toEqual(['fork 0: 1', 'mmap 1: 2 1 0 3 0 0 0', 'munmap 0: 1 1'])
  })
})

describe('the stack', () => {
  test('grows down to a store below it', async () => {
    const { text, statistics } = await importOf(
      fault(P, STACK - PAGE, STORE_HOLE),
      fault(P, STACK - 40 * PAGE, STORE_HOLE),
      record(P, STACK - 40 * PAGE, 40, 'rw-p', '[stack]', 0, 0x7fffffd7), // as perf sees it after
    )
    expect(text).toEqual([
      'mmap 0: 479 33 0 3 0 0 0',
      'store 0: 511',
      'mmap 0: 472 7 0 3 0 0 0',
      'store 0: 472',
    ])
    expect(statistics.corrected).toEqual({})
  })
})

describe('mremap', () => {
  const filled = [mmap(P, A, 8, ANON), faults(P, A, 8, STORE_HOLE)]
  const remap = (from: number, old: number, pages: number, to: number, flags = 1): Event[] => [
    call(P, 'mremap', from, old * PAGE, pages * PAGE, flags, 0),
    returned(P, 'mremap', to),
  ]

  test('in place makes a mapping longer or shorter', async () => {
    const { text } = await importOf(...filled, ...remap(A, 8, 10, A), ...remap(A, 10, 3, A))
    // The grown part joined the mapping, so it goes in one piece.
    expect(text.slice(9)).toEqual(['mmap 0: 8 2 0 3 0 0 0', 'munmap 0: 3 7'])
  })

  test('takes the pages along, with what a longer mapping adds behind them', async () => {
    const { text } = await importOf(
      ...filled,
      ...remap(A, 8, 10, C),
      fault(P, C + 8 * PAGE, STORE_HOLE),
      forked(P, 20),
      fault(CHILD, C, STORE_PRESENT),
    )
    expect(text.slice(9)).toEqual([
      'mremap 0: 0 8 512',
      'mmap 0: 520 2 0 3 0 0 0',
      'store 0: 520',
      'fork 0: 1',
      'store 1: 512', // known to be there: nothing had to be added
    ])
  })

  test('is cut where the old or the new place crosses into another region', async () => {
    const { text } = await importOf(
      ...filled,
      ...remap(A, 8, 8, C - 3 * PAGE), // 3 pages in B, 5 in C
    )
    expect(text.slice(9)).toEqual(['mremap 0: 0 3 1021', 'mremap 0: 3 5 1024'])
  })

  test('puts untouched memory where its new region is known, and nothing where it is not', async () => {
    const { text } = await importOf(
      ...filled,
      mmap(P, B, 4, ANON),
      ...remap(B, 4, 2, A + 100 * PAGE),
      ...remap(A + 100 * PAGE, 2, 2, C),
    )
    expect(text.slice(9)).toEqual(['mmap 0: 100 2 0 3 0 0 0', 'mremap 0: 100 2 512'])
  })

  test('replaces what was at the new place, and may leave the old place mapped and empty', async () => {
    const DONTUNMAP = 4
    const { text, statistics } = await importOf(
      ...filled,
      ...remap(A, 2, 2, A + 6 * PAGE, 3 | DONTUNMAP),
      fault(P, A, STORE_HOLE),
    )
    expect(text.slice(9)).toEqual([
      'munmap 0: 6 2',
      'mremap 0: 0 2 6',
      'mmap 0: 0 2 0 3 0 0 0',
      'store 0: 0',
    ])
    expect(statistics.corrected).toEqual({})
  })

  test('of memory that no line mapped has no effect, and says so', async () => {
    const { statistics } = await importOf(...remap(C, 2, 4, A), ...remap(C, 0, 4, A))
    expect(statistics.ignored).toMatchObject({
      'mremap of memory that no line mapped': 2,
      'mremap that maps shared pages a second time': 2,
    })
  })
})

describe('madvise', () => {
  const DONTNEED = 4
  const HUGEPAGE = 14

  test('drops pages, and a later store finds a hole again', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 4, ANON),
      faults(P, A, 4, STORE_HOLE),
      call(P, 'madvise', A + PAGE, 2 * PAGE, DONTNEED),
      fault(P, A + PAGE, STORE_HOLE),
    )
    expect(text.slice(5)).toEqual(['madvise 0: 1 2 0', 'store 0: 1'])
    expect(statistics.corrected).toEqual({})
  })

  test('that stays with a mapping is repeated for each region that is touched later', async () => {
    const { text } = await importOf(
      mmap(P, A, 1024, ANON),
      call(P, 'madvise', A, 1024 * PAGE, HUGEPAGE),
      fault(P, B, STORE_HOLE),
      fault(P, A, STORE_HOLE),
    )
    expect(text).toEqual([
      'mmap 0: 0 512 0 3 0 0 0',
      'madvise 0: 0 512 4',
      'store 0: 0',
      'mmap 0: 512 512 0 3 0 0 0',
      'madvise 0: 512 512 4',
      'store 0: 512',
    ])
  })

  test('keeps a mapping from a child', async () => {
    const DONTFORK = 10
    const { text, statistics } = await importOf(
      mmap(P, A, 4, ANON),
      fault(P, A, STORE_HOLE),
      call(P, 'madvise', A + PAGE, PAGE, DONTFORK),
      forked(P, 20),
      mmap(CHILD, A + PAGE, 1, ANON), // free there
      fault(CHILD, A + PAGE, STORE_HOLE),
    )
    expect(text.slice(2)).toEqual([
      'madvise 0: 1 1 7',
      'fork 0: 1',
      'mmap 1: 1 1 0 3 0 0 0',
      'store 1: 1',
    ])
    expect(statistics.corrected).toEqual({})
  })

  test('without a meaning here is ignored by its number', async () => {
    const { statistics } = await importOf(call(P, 'madvise', A, PAGE, 16))
    expect(statistics.ignored).toMatchObject({ 'madvise 16, which the simulator does not know': 1 })
  })
})

describe('a page is brought to where the kernel found it', () => {
  test('a file page that fault-around had mapped is loaded before the store to it', async () => {
    const imported = await importOf(
      mmap(P, A, 16, PRIVATE_FILE, { inode: 7 }),
      fault(P, A, LOAD_HOLE), // maps its neighbours as well
      fault(P, A + 3 * PAGE, STORE_PRESENT),
      fault(P, A, STORE_PRESENT), // known to be there
    )
    expect(imported.text.slice(1)).toEqual(['load 0: 0', 'load 0: 3', 'store 0: 3', 'store 0: 0'])
    expect(recorded(imported)).toEqual([
      'fault on a hole',
      'file page that fault-around had mapped',
      'fault on a present page',
      'fault on a present page',
    ])
  })

  test('an anonymous page that no fault filled is loaded: it counts as the zero page', async () => {
    const imported = await importOf(
      mmap(P, A, 4, ANON),
      fault(P, A, LOAD_HOLE),
      fault(P, A, STORE_PRESENT), // the zero page, by the load
      fault(P, A + PAGE, STORE_PRESENT),
    )
    expect(imported.text.slice(1)).toEqual(['load 0: 0', 'store 0: 0', 'load 0: 1', 'store 0: 1'])
    expect(imported.statistics.inserted).toEqual({
      'anonymous page that no recorded fault filled': 1,
    })
  })

  test('a page that the parent had read before the fork may be missing in the child', async () => {
    const imported = await importOf(
      mmap(P, A, 4, PRIVATE_FILE, { inode: 7 }),
      fault(P, A, LOAD_HOLE),
      fault(P, A + PAGE, LOAD_HOLE),
      forked(P, 20),
      fault(CHILD, A, STORE_PRESENT), // fork had copied it
      fault(CHILD, A + PAGE, STORE_HOLE), // fork had not
    )
    expect(imported.text.slice(4)).toEqual([
      'load 1: 0',
      'store 1: 0',
      'madvise 1: 1 1 0',
      'store 1: 1',
    ])
    expect(imported.statistics.inserted).toEqual({
      'page read before a fork, which the fork may have left out': 1,
    })
    expect(imported.statistics.corrected).toEqual({
      'file page or zero page gone before a store: dropped': 1,
    })
  })

  test('a private page that is gone although no call dropped it is dropped, and counted', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 4, ANON),
      fault(P, A, STORE_HOLE),
      ...Array.from({ length: 200 }, () => other(P, 'sched:sched_switch: prev_comm=x')), // 2 ms
      fault(P, A, LOAD_HOLE),
    )
    expect(text.slice(1)).toEqual(['store 0: 0', 'madvise 0: 0 1 0', 'load 0: 0'])
    expect(statistics.corrected).toEqual({
      'private page gone without a recorded call: dropped': 1,
    })
  })

  test('a page that the kernel may have taken after MADV_FREE is left to the model', async () => {
    const MADV_FREE = 8
    const { text, statistics } = await importOf(
      mmap(P, A, 4, ANON),
      fault(P, A, STORE_HOLE),
      call(P, 'madvise', A, PAGE, MADV_FREE),
      fault(P, A, STORE_HOLE),
    )
    expect(text.slice(1)).toEqual(['store 0: 0', 'madvise 0: 0 1 1', 'store 0: 0'])
    expect(statistics.corrected).toEqual({})
  })

  test('a store fault that is recorded twice within a millisecond is no fault of its own', async () => {
    const imported = await importOf(
      mmap(P, A, 4, ANON),
      forked(P, 11, 'clone3'),
      fault(P, A, STORE_HOLE),
      fault('10/11', A, STORE_HOLE), // the other thread was in the same fault
      forked(P, 20),
      fault(P, A, STORE_PRESENT), // after a fork it is a new one
      exited(CHILD, true),
    )
    expect(recorded(imported)).toEqual([
      'fault on a hole',
      'fault recorded a second time',
      'fault on a present page',
    ])
    expect(imported.statistics.corrected).toEqual({})
  })

  test('a shared page is never private: a store leaves it what it was', async () => {
    const { text } = await importOf(
      mmap(P, A, 2, SHARED_FILE, { inode: 8 }),
      fault(P, A, LOAD_HOLE),
      fault(P, A, STORE_PRESENT),
      forked(P, 20),
      fault(CHILD, A, STORE_HOLE), // not copied by fork
    )
    expect(text.slice(1)).toEqual([
      'load 0: 0',
      'store 0: 0',
      'fork 0: 1',
      'madvise 1: 0 1 0',
      'store 1: 0',
    ])
  })

  test('an access that the known protection forbids opens its page, and is counted', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 4, ANON, { prot: 0 }),
      fault(P, A + PAGE, STORE_HOLE),
    )
    expect(text).toEqual(['mmap 0: 0 4 0 0 0 0 0', 'mprotect 0: 1 1 3', 'store 0: 1'])
    expect(statistics.corrected).toEqual({
      'access that the known protection forbids: page opened': 1,
    })
  })
})

describe('what the recording does not show', () => {
  test('memory that was mapped before is assumed private, as far as its region is free', async () => {
    const imported = await importText(
      perfText(
        mmap(P, A + 4 * PAGE, 2, ANON),
        fault(P, A, STORE_HOLE),
        fault(P, A + 9 * PAGE, LOAD_HOLE),
        fault(P, B + PAGE, FETCH_HOLE),
        forked(P, 20),
        fault(CHILD, A, STORE_PRESENT),
      ),
    )
    expect(traceText(imported.trace)).toEqual([
      'spawn 0',
      'mmap 0: 0 4 0 3 0 0 0',
      'mmap 0: 4 2 0 3 0 0 0',
      'store 0: 0',
      'mmap 0: 6 506 0 3 0 0 0',
      'load 0: 9',
      // Code is one page of some file that nothing else maps.
      expect.stringMatching(/^mmap 0: 513 1 1 1 0 2147483647 /),
      'load 0: 513',
      'fork 0: 1',
      'store 1: 0',
    ])
    expect(imported.statistics.corrected).toEqual({
      'process that was running already: assumed': 1,
      'memory mapped before the recording began: assumed': 2,
      'code page mapped before the recording began: assumed': 1,
    })
  })

  test('what perf lists of a running process is known when the process shows itself', async () => {
    const imported = await importText(
      perfText(
        { who: '0/0', lines: record(P, A, 4, 'r--p', 'libc.so.6', 7).lines },
        { who: '0/0', lines: record('77/77', A, 4, 'r--p', 'libc.so.6', 7).lines }, // idle
        forked(P, 20),
        fault(CHILD, A + PAGE, LOAD_HOLE),
      ),
    )
    expect(traceText(imported.trace)).toEqual([
      'spawn 0',
      'fork 0: 1',
      'mmap 1: 0 4 1 1 0 1 0',
      'load 1: 1',
    ])
    expect(imported.statistics.processes).toBe(2)
  })

  test('a call whose return is lost, and a return whose call is lost, are counted by name', async () => {
    const { text, statistics } = await importOf(
      call(P, 'mmap', 0, 4 * PAGE, 3, ANON, 0xffffffff, 0),
      fault(P, A, STORE_HOLE), // the program runs on
      returned(P, 'mmap', C),
      call(P, 'mremap', A, PAGE, 2 * PAGE, 1, 0),
      call(P, 'munmap', C, PAGE),
      call(P, 'brk', 0),
    )
    expect(text).toEqual(['mmap 0: 0 512 0 3 0 0 0', 'store 0: 0'])
    expect(statistics.unplaced).toEqual({
      'mmap whose return is lost': 1,
      'return of mmap without its entry': 1,
      'mremap whose return is lost': 1,
      'brk whose return is lost': 1,
    })
  })

  test('lost, foreign, late and unknown lines are counted by reason', async () => {
    const text = perfText(
      execed(P, STACK),
      other(P, 'PERF_RECORD_LOST lost 17'),
      other(P, 'sched:sched_switch: prev_comm=x'),
      call(P, 'vmsplice', 3, A, 1, 0),
      call(P, 'pread64', 3, A, 784, 64),
      call(P, 'futex', A, 0),
      fault(P, 2 ** 60, STORE_HOLE),
      mmap(P, A, 1, ANON),
      fault(P, A, STORE_HOLE),
      forked(P, 20),
      exited(CHILD, true),
      exited('55/55', true),
    )
    const { statistics } = await importText(
      `# a comment\n\nnonsense\n${text}some prog 10/10 1.000000: exceptions:page_fault_user: address=0x${A.toString(16)} ip=0x1 error_code=0x4\n`,
    )
    expect(statistics.ignored).toEqual({
      'blank line': 1,
      comment: 1,
      PERF_RECORD_MMAP: 1,
      PERF_RECORD_LOST: 1,
      'sched:sched_switch': 1,
      'vmsplice: no pin, its buffers are not recorded': 1,
      'pread64: no pin, O_DIRECT is not recorded': 1,
      'syscalls:sys_enter_futex': 1,
      'fault on a kernel address': 1,
      'exit of a process without a memory event': 1,
    })
    expect(statistics.unplaced).toEqual({ 'line that is not perf script text': 1 })
    expect(statistics.corrected).toMatchObject({
      'event lost by perf: missing': 17,
      'line earlier than the one before: taken in file order': 1,
    })
    // 2 ** 60 is a fault too, though not one that a process could resolve.
    expect(statistics.faults).toEqual({ '0x6': 2, '0x4': 1 })
  })
})

describe('text that holds nothing to simulate is refused in one line', () => {
  const refusal = (text: string): Promise<string> =>
    importText(text).then(
      () => 'imported',
      (error: Error) => error.message,
    )

  test('without page faults', async () => {
    expect(await refusal(perfText(execed(P, STACK), forked(P, 20)))).toBe(
      'missing events: no exceptions:page_fault line in x.perf.txt; expected: perf script text of a recording with the events that `cowbench record` names',
    )
  })

  test('without forks', async () => {
    expect(await refusal(perfText(execed(P, STACK), fault(P, A, STORE_HOLE)))).toBe(
      'missing events: no sched:sched_process_fork line in x.perf.txt; expected: a recording in which a process forks, made with that event',
    )
  })
})

describe('page allocations', () => {
  const allocated = (who: typeof P | typeof CHILD, gfp: string, order = 0): Event =>
    other(
      who,
      `  kmem:mm_page_alloc: page=0x1 pfn=0x1 order=${order} migratetype=1 gfp_flags=${gfp}`,
    )
  const COPY = 'GFP_HIGHUSER_MOVABLE|__GFP_COMP'
  const TABLE = 'GFP_PGTABLE_USER'
  const before = [mmap(P, A, 8, ANON), faults(P, A, 4, STORE_HOLE), forked(P, 20)]

  test('tell a copy from a reuse, by thread, until the next fault', async () => {
    const imported = await importOf(
      ...before,
      fault(P, A, STORE_PRESENT),
      fault(CHILD, A + PAGE, STORE_PRESENT),
      allocated(P, TABLE),
      allocated(P, COPY, 1),
      allocated(P, 'GFP_HIGHUSER_MOVABLE|__GFP_WRITE|__GFP_COMP'), // the page cache's
      allocated(P, COPY),
      fault(CHILD, A, STORE_PRESENT),
      fault(P, A + 5 * PAGE, STORE_HOLE),
      allocated(P, COPY),
      call(CHILD, 'madvise', A + 2 * PAGE, PAGE, 4),
      fault(CHILD, A + 3 * PAGE, STORE_PRESENT),
      call(CHILD, 'openat', 0, 0),
      allocated(CHILD, COPY), // for a file in memory
      allocated(CHILD, COPY), // within the call, not the fault before it
    )
    const hole = 'fault on a hole'
    expect(recorded(imported).slice(0, 8)).toEqual([
      ...[hole, hole, hole, hole],
      ...['fault that copied its page', 'fault that reused its page'],
      ...['fault that reused its page', hole],
    ])
    expect(imported.statistics.ignored).toMatchObject({ 'page allocation that is no copy': 6 })
  })

  test('are told apart while another process is being unmapped, where a line says until when', async () => {
    const unmapped = (who: typeof CHILD): Event =>
      other(who, '  mmap:exit_mmap: mt_mod 0x1, DESTROY')
    const imported = await importOf(
      ...before,
      fault(CHILD, A, STORE_PRESENT),
      allocated(CHILD, COPY),
      exited(CHILD),
      fault(P, A + PAGE, STORE_PRESENT),
      allocated(P, COPY),
      fault(P, A, STORE_PRESENT),
      unmapped(CHILD),
      fault(P, A + 2 * PAGE, STORE_PRESENT),
    )
    expect(recorded(imported).slice(4, 8)).toEqual([
      'fault that copied its page',
      'fault that copied its page, another process being unmapped',
      'fault that reused its page, another process being unmapped',
      'fault that reused its page',
    ])
  })

  test('belong to the first of two tries', async () => {
    const imported = await importOf(
      ...before,
      fault(P, A, 3, 'kernel'),
      fault(P, A, 3, 'kernel'),
      allocated(P, COPY),
    )
    expect(recorded(imported).slice(4, 6)).toEqual([
      'fault that copied its page',
      'fault recorded a second time',
    ])
  })

  test('do not change the trace, and are not missed: without them no outcome is known', async () => {
    const events = (...more: Event[]) => [
      ...before,
      fault(P, A, STORE_PRESENT),
      ...more,
      fault(CHILD, A, STORE_PRESENT),
    ]
    const known = await importOf(...events(allocated(P, COPY)))
    const unknown = await importOf(...events())
    expect(known.text).toEqual(unknown.text)
    const outcomes = (imported: Import) => recorded(imported).slice(4, 6)
    expect(outcomes(unknown)).toEqual(new Array(2).fill('fault on a present page'))
    expect(outcomes(known)).toEqual(['fault that copied its page', 'fault that reused its page'])
  })
})

describe('out of scope', () => {
  const HUGETLB = ANON | 0x40000

  test('hugetlb mappings and the faults in them are counted as not placed, and never become ordinary memory', async () => {
    const { text, statistics } = await importOf(
      mmap(P, A, 512, HUGETLB),
      fault(P, A, STORE_HOLE),
      forked(P, 20),
      fault(CHILD, A + PAGE, STORE_PRESENT),
      mmap(P, B, 512, ANON),
      fault(P, B, STORE_HOLE),
    )
    // Two lines of the call, its entry and its return.
    expect(statistics.unplaced).toEqual({
      'mmap of hugetlb pages, which are out of scope': 2,
      'fault in hugetlb pages, which are out of scope': 2,
    })
    expect(text.filter((line) => /^(load|store) /.test(line))).toHaveLength(1)
  })

  test('a mapping of a hugetlbfs file is known by its mount point', async () => {
    const { statistics } = await importOf(
      record(P, A, 512, 'rw-s', '/dev/hugepages/guest', 7),
      fault(P, A, STORE_HOLE),
    )
    expect(statistics.unplaced).toEqual({ 'fault in hugetlb pages, which are out of scope': 1 })
  })

  test('a recording whose mappings are all aligned to 64 or 16 KiB is refused', async () => {
    const recorded = (count: number, pages: number): Promise<Import> => {
      const mappings = Array.from({ length: count }, (_, i) =>
        record(P, A + 32 * i * PAGE, pages, 'rw-p'),
      )
      return importText(perfText(...mappings, fault(P, A, STORE_HOLE), forked(P, 99)))
    }
    await expect(recorded(8, 16)).rejects.toThrow(
      'unsupported page size: 64 KiB, by the alignment of all 8 mappings in x.perf.txt; available: 4 KiB',
    )
    await expect(recorded(8, 4)).rejects.toThrow('unsupported page size: 16 KiB')
    // One page of 4 KiB, or too few mappings to tell.
    await expect(recorded(8, 1)).resolves.toBeDefined()
    await expect(recorded(7, 16)).resolves.toBeDefined()
  })
})
