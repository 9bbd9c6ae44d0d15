/** language: the vocabulary of the .cow language: which words it has, and which operation codes they stand for. */
import {
  type Labels,
  MADV_LABELS,
  MADV_UNMERGEABLE,
  MAP_PRIVATE_ANON,
  MAP_PRIVATE_FILE,
  MAP_SHARED,
  OP_BEGIN,
  OP_CLEAR_REFS,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_DRAIN,
  OP_EXEC,
  OP_EXIT,
  OP_FORK,
  OP_KHUGEPAGED,
  OP_KSM_WAIT,
  OP_LOAD,
  OP_MADVISE,
  OP_MMAP,
  OP_MPROTECT,
  OP_MREMAP,
  OP_MUNMAP,
  OP_PIN,
  OP_POKE,
  OP_SET,
  OP_SPAWN,
  OP_STEP,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UFFD_REGISTER,
  OP_UFFD_RESOLVE,
  OP_UFFD_WP,
  OP_UNPIN,
  OP_WRITEBACK,
  OP_WRITEBACK_END,
  PIN_LABELS,
  PROT_READ,
  PROT_WRITE,
  UFFD_MINOR,
  UFFD_MISSING,
  UFFD_WP,
  UFFDIO_CONTINUE,
  UFFDIO_COPY,
  UFFDIO_ZEROPAGE,
} from '../trace/ops.ts'
import { STEP_ALL, STEP_LABELS } from '../trace/steps.ts'
import {
  DEVREAD_WORDS,
  LOAD_WORDS,
  PIN_WORDS,
  PLAIN_WORDS,
  POKE_WORDS,
  STEP_WORDS,
  STORE_WORDS,
} from './words.ts'

/** Printing presence touches nothing, so no trace holds it: a code of the language's own. */
export const SHOW = 100
/** What userfaultfd's manager was asked since the last time: in no trace either. */
export const EVENTS = 101

export interface Verb {
  /** OP_*, SHOW or EVENTS. */
  readonly code: number
  readonly usage: string
  /** Words that its outcome can hold; undefined where it prints counts. */
  readonly words: readonly string[] | undefined
}

export const VERBS: Readonly<Record<string, Verb>> = {
  spawn: { code: OP_SPAWN, usage: 'spawn PROCESS', words: PLAIN_WORDS },
  mmap: {
    code: OP_MMAP,
    usage: 'mmap PROCESS AREA PAGES [thp|shared|file|shmem|shmemthp]',
    words: PLAIN_WORDS,
  },
  write: { code: OP_STORE, usage: 'write PROCESS AREA[PAGES]', words: STORE_WORDS },
  read: { code: OP_LOAD, usage: 'read PROCESS AREA[PAGES]', words: LOAD_WORDS },
  writesame: { code: OP_STORE_SAME, usage: 'writesame PROCESS AREA[PAGES]', words: STORE_WORDS },
  poke: { code: OP_POKE, usage: 'poke PROCESS AREA[PAGE]', words: POKE_WORDS },
  fork: { code: OP_FORK, usage: 'fork PROCESS CHILD', words: PLAIN_WORDS },
  exit: { code: OP_EXIT, usage: 'exit PROCESS', words: PLAIN_WORDS },
  exec: { code: OP_EXEC, usage: 'exec PROCESS', words: PLAIN_WORDS },
  munmap: { code: OP_MUNMAP, usage: 'munmap PROCESS AREA[PAGES]', words: PLAIN_WORDS },
  mprotect: { code: OP_MPROTECT, usage: 'mprotect PROCESS AREA[PAGES] ro|rw', words: PLAIN_WORDS },
  madvise: {
    code: OP_MADVISE,
    usage: 'madvise PROCESS AREA[PAGES] ADVICE',
    words: PLAIN_WORDS,
  },
  swapout: { code: OP_SWAPOUT, usage: 'swapout PROCESS AREA[PAGES]', words: undefined },
  writeback: { code: OP_WRITEBACK, usage: 'writeback PROCESS AREA[PAGES]', words: undefined },
  writebackend: { code: OP_WRITEBACK_END, usage: 'writebackend', words: PLAIN_WORDS },
  mremap: { code: OP_MREMAP, usage: 'mremap PROCESS AREA[PAGES] NEW-AREA', words: PLAIN_WORDS },
  pin: { code: OP_PIN, usage: 'pin PROCESS AREA[PAGES] PIN KIND', words: PIN_WORDS },
  unpin: { code: OP_UNPIN, usage: 'unpin PIN', words: PLAIN_WORDS },
  devread: { code: OP_DEVREAD, usage: 'devread PIN[PAGES]', words: DEVREAD_WORDS },
  devwrite: { code: OP_DEVWRITE, usage: 'devwrite PIN[PAGES]', words: PLAIN_WORDS },
  uffdwp: { code: OP_UFFD_WP, usage: 'uffdwp PROCESS AREA[PAGES] on|off', words: PLAIN_WORDS },
  uffdregister: {
    code: OP_UFFD_REGISTER,
    usage: 'uffdregister PROCESS AREA[PAGES] MODES',
    words: PLAIN_WORDS,
  },
  uffdresolve: {
    code: OP_UFFD_RESOLVE,
    usage: 'uffdresolve PROCESS AREA[PAGES] copy|zeropage|continue',
    words: PLAIN_WORDS,
  },
  events: { code: EVENTS, usage: 'events', words: undefined },
  khugepaged: {
    code: OP_KHUGEPAGED,
    usage: 'khugepaged PROCESS AREA[PAGES]',
    words: PLAIN_WORDS,
  },
  set: { code: OP_SET, usage: 'set SETTING VALUE', words: PLAIN_WORDS },
  clearrefs: { code: OP_CLEAR_REFS, usage: 'clearrefs PROCESS 4', words: PLAIN_WORDS },
  ksmwait: { code: OP_KSM_WAIT, usage: 'ksmwait', words: PLAIN_WORDS },
  drain: { code: OP_DRAIN, usage: 'drain', words: PLAIN_WORDS },
  begin: { code: OP_BEGIN, usage: 'begin TASK OPERATION', words: PLAIN_WORDS },
  step: { code: OP_STEP, usage: 'step TASK [STEP|end]', words: STEP_WORDS },
  show: { code: SHOW, usage: 'show PROCESS AREA[PAGES]', words: undefined },
}

/** Operations that can be held and taken through their steps. */
export const STEPPED: readonly string[] = ['fork', 'pin', 'swapout', 'write']

/** How far `step` may be told to go: the steps by name, and `end` for all that is left. */
export const STEPS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(STEP_LABELS.map((label, step) => [label, step]).slice(STEP_ALL + 1)),
  end: STEP_ALL,
}

/** What `mmap` may be told, as MAP_* and the largest folio that a fault puts in. */
export const AREA_KINDS: Readonly<Record<string, { map: number; folioOrder: number }>> = {
  '': { map: MAP_PRIVATE_ANON, folioOrder: 0 },
  thp: { map: MAP_PRIVATE_ANON, folioOrder: 9 },
  shared: { map: MAP_SHARED, folioOrder: 0 },
  file: { map: MAP_PRIVATE_FILE, folioOrder: 0 },
  shmem: { map: MAP_SHARED, folioOrder: 0 },
  shmemthp: { map: MAP_SHARED, folioOrder: 9 },
}

export const PROTECTIONS: Readonly<Record<string, number>> = {
  ro: PROT_READ,
  rw: PROT_READ | PROT_WRITE,
}

const { [MADV_UNMERGEABLE]: _, ...ADVICE_LABELS } = MADV_LABELS

/** All but `unmergeable`. */
export const ADVICE = valuesOf(ADVICE_LABELS)
export const PIN_KINDS = valuesOf(PIN_LABELS)

/** Modes of a userfaultfd registration; several are joined by `+`. */
export const UFFD_MODES: Readonly<Record<string, number>> = {
  none: 0,
  missing: UFFD_MISSING,
  wp: UFFD_WP,
  minor: UFFD_MINOR,
}

export const UFFD_ANSWERS: Readonly<Record<string, number>> = {
  copy: UFFDIO_COPY,
  zeropage: UFFDIO_ZEROPAGE,
  continue: UFFDIO_CONTINUE,
}

export const SWITCH: Readonly<Record<string, number>> = { on: 1, off: 0 }

/** By its label, a constant of ops.ts. */
function valuesOf(labels: Labels): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(labels).map(([value, label]) => [label, Number(value)]))
}
