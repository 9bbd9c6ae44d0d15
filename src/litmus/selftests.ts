/**
 * selftests: the kernel's own copy-on-write suite (tools/testing/selftests/mm/cow.c) as litmus tests: a table of cases
 * times a table of memory states, written anew in the .cow language.
 *
 * Each case says what would be observed if COW were missed or done to the wrong page. Two cases differ only in how the
 * kernel takes the pin (with or without its lock-free path): run one after the other, the steps are the same.
 */
import { parseLitmus } from './parse.ts'
import type { LitmusTest } from './program.ts'
import type { OperationResult } from './result.ts'

export interface Cell {
  readonly case: string
  readonly state: string
  readonly test: LitmusTest
  /** What was seen and should not have been; undefined: the cell passes. */
  failure(results: readonly OperationResult[]): string | undefined
}

interface State {
  readonly name: string
  readonly setUp: readonly string[]
  /** The pages that the case works on. */
  readonly pages: string
}

interface Case {
  readonly name: string
  /** Operations, with `@` for the pages. */
  readonly steps: readonly string[]
  /** A promised pin is read last: it must show what its owner would load. */
  readonly coherent?: true
}

const SMALL = ['spawn A', 'mmap A buf 512', 'write A buf[0]']
const HUGE = ['spawn A', 'mmap A buf 512 thp', 'write A buf']
const PTE_MAPPED = [...HUGE, 'mprotect A buf[1] ro', 'mprotect A buf[1] rw']
const SINGLE = [...PTE_MAPPED, 'madvise A buf[1..511] dontneed']

const ANON_STATES: readonly State[] = [
  { name: 'base page', setUp: SMALL, pages: 'buf[0]' },
  { name: 'swapped-out base page', setUp: [...SMALL, 'swapout A buf[0]'], pages: 'buf[0]' },
  { name: 'PMD-mapped THP', setUp: HUGE, pages: 'buf' },
  { name: 'swapped-out PMD-mapped THP', setUp: [...HUGE, 'swapout A buf'], pages: 'buf' },
  { name: 'PTE-mapped THP', setUp: PTE_MAPPED, pages: 'buf' },
  { name: 'swapped-out PTE-mapped THP', setUp: [...PTE_MAPPED, 'swapout A buf'], pages: 'buf' },
  { name: 'single PTE of a THP', setUp: SINGLE, pages: 'buf[0]' },
  { name: 'swapped-out single PTE', setUp: [...SINGLE, 'swapout A buf[0]'], pages: 'buf[0]' },
  {
    name: 'half of a THP, half mremapped',
    setUp: [...HUGE, 'mremap A buf[256..511] moved'],
    pages: 'buf[0..255]',
  },
  {
    // Only the first page was ever shared, with a child that is gone; the others never leave the parent.
    name: 'partially shared THP',
    setUp: [...PTE_MAPPED, 'madvise A buf[1..511] dontfork', 'fork A Z', 'exit Z'],
    pages: 'buf[0]',
  },
]

const MPROTECT = ['mprotect A @ ro', 'mprotect A @ rw']
const SEEN_BY_CHILD = ['fork A B', 'read B @']
const RO_PIN = ['pin A @ P1 ropin', 'write A @', 'devread P1']

const ANON_CASES: readonly Case[] = [
  {
    name: 'basic COW after fork()',
    steps: [...SEEN_BY_CHILD, 'write A @', 'read B @'],
  },
  {
    name: 'basic COW after fork() with mprotect() optimization',
    steps: [...SEEN_BY_CHILD, ...MPROTECT, 'write A @', 'read B @'],
  },
  {
    name: 'vmsplice() + unmap in child',
    steps: [...SEEN_BY_CHILD, 'pin B @ P1 vmsplice', 'munmap B @', 'write A @', 'devread P1'],
  },
  {
    name: 'vmsplice() + unmap in child with mprotect() optimization',
    steps: [
      ...SEEN_BY_CHILD,
      'pin B @ P1 vmsplice',
      'munmap B @',
      ...MPROTECT,
      'write A @',
      'devread P1',
    ],
  },
  {
    name: 'vmsplice() before fork(), unmap in parent after fork()',
    steps: ['pin A @ P1 vmsplice', 'fork A B', 'munmap A @', 'write B @', 'devread P1'],
  },
  {
    name: 'vmsplice() + unmap in parent after fork()',
    steps: ['fork A B', 'pin A @ P1 vmsplice', 'munmap A @', 'write B @', 'devread P1'],
  },
  {
    name: 'R/O-mapping a page registered as iouring fixed buffer',
    steps: [
      'pin A @ P1 iouring',
      'mprotect A @ ro',
      'clearrefs A 4',
      'mprotect A @ rw',
      'write A @',
      'devread P1',
    ],
    coherent: true,
  },
  {
    name: 'fork() with an iouring fixed buffer',
    steps: ['pin A @ P1 iouring', 'fork A B', 'write A @', 'devread P1'],
    coherent: true,
  },
  ...['R/O GUP pin', 'R/O GUP-fast pin'].flatMap((pin): Case[] => [
    { name: `${pin} on R/O-mapped shared page`, steps: ['fork A B', ...RO_PIN], coherent: true },
    {
      name: `${pin} on R/O-mapped previously-shared page`,
      steps: ['fork A B', 'exit B', ...RO_PIN],
      coherent: true,
    },
    {
      // Soft-dirty tracking keeps mprotect() from mapping it writable at once, where the kernel has it.
      name: `${pin} on R/O-mapped exclusive page`,
      steps: ['clearrefs A 4', ...MPROTECT, ...RO_PIN],
      coherent: true,
    },
  ]),
]

const COLLAPSE_STATE: State = { name: 'PTE-mapped THP', setUp: PTE_MAPPED, pages: 'buf' }
const COLLAPSE = 'madvise A buf collapse'

/** Collapse makes pages exclusive to the parent: only those that it really has a copy of. */
const COLLAPSE_CASES: readonly Case[] = [
  {
    name: 'basic COW after fork() when collapsing before fork()',
    steps: [COLLAPSE, ...SEEN_BY_CHILD, 'write A @', 'read B @'],
  },
  {
    name: 'basic COW after fork() when collapsing after fork() (fully shared)',
    steps: [...SEEN_BY_CHILD, COLLAPSE, 'write A @', 'read B @'],
  },
  {
    name: 'basic COW after fork() when collapsing after fork() (lower shared)',
    steps: ['fork A B', 'munmap B buf[256..511]', COLLAPSE, 'write A @', 'read B buf[0..255]'],
  },
  {
    name: 'basic COW after fork() when collapsing after fork() (upper shared)',
    steps: ['fork A B', 'munmap B buf[0..255]', COLLAPSE, 'write A @', 'read B buf[256..511]'],
  },
]

const NON_ANON_STATES: readonly State[] = [
  { name: 'zeropage', setUp: ['spawn A', 'mmap A buf 512'], pages: 'buf[0]' },
  { name: 'huge zeropage', setUp: ['spawn A', 'mmap A buf 512 thp'], pages: 'buf' },
  { name: 'file', setUp: ['spawn A', 'mmap A buf 512 file'], pages: 'buf[0]' },
]

const NON_ANON_CASES: readonly Case[] = [
  { name: 'basic COW', steps: ['read A @', ...SEEN_BY_CHILD, 'write A @', 'read B @'] },
  { name: 'R/O longterm GUP pin', steps: ['read A @', ...RO_PIN], coherent: true },
  { name: 'R/O longterm GUP-fast pin', steps: ['read A @', ...RO_PIN], coherent: true },
]

/** Every case in every state that it is run in. */
export function selftestCells(): Cell[] {
  const cross = (cases: readonly Case[], states: readonly State[]) =>
    cases.flatMap((one) => states.map((state) => cell(one, state)))
  return [
    ...cross(ANON_CASES, ANON_STATES),
    ...cross(COLLAPSE_CASES, [COLLAPSE_STATE]),
    ...cross(NON_ANON_CASES, NON_ANON_STATES),
  ]
}

function cell({ name, steps, coherent }: Case, state: State): Cell {
  const lines = [...state.setUp, ...steps.map((step) => step.replace('@', state.pages))]
  return {
    case: name,
    state: state.name,
    test: parseLitmus(lines.join('\n'), `${name}, ${state.name}`),
    failure: (results) => failureIn(results, coherent ?? false),
  }
}

function failureIn(results: readonly OperationResult[], coherent: boolean): string | undefined {
  for (const { operation, outcome, flags } of results) {
    const leaks = flags.includes('leak') || /\bleak\b/.test(outcome)
    if (leaks) return `leak: ${operation.text}`
    if (flags.length > 0) return `${flags.join()}: ${operation.text}`
    if (!coherent || operation.verb !== 'devread') continue
    if (/incoherent|error/.test(outcome)) return `longterm pin is not reliable: ${outcome}`
  }
  return undefined
}
