/**
 * The operation codes of a trace, their operands and their labels.
 *
 * A trace is a list of *segments*. LOAD and STORE segments hold a run of events, one page number each; every other
 * segment is one event with a fixed number of operands. Addresses are virtual page numbers (`vpn`, in 4 KiB pages) in
 * a dense space of the trace's own: the 2 MiB range that a page-table page covers is `vpn >>> 9`.
 */

/** A load of each page. */
export const OP_LOAD = 0
/** A store to each page. */
export const OP_STORE = 1
/** A new, empty process. */
export const OP_SPAWN = 2
/** fork(). */
export const OP_FORK = 3
/** exec(): nothing is left of the address space. */
export const OP_EXEC = 4
/** exit(): nor of the process; its pins are dropped. */
export const OP_EXIT = 5
/** mmap() of a private or shared area. */
export const OP_MMAP = 6
/** munmap() of a range. */
export const OP_MUNMAP = 7
/** mprotect() of a range. */
export const OP_MPROTECT = 8
/** mremap(): the range moves to another address. */
export const OP_MREMAP = 9
/** madvise() of a range. */
export const OP_MADVISE = 10
/** get_user_pages(): references on pages that outlive their mappings. */
export const OP_PIN = 11
/** The references are given back. */
export const OP_UNPIN = 12
/** A device reads one page of a pin. */
export const OP_DEVREAD = 13
/** A device stores to one page of a pin. */
export const OP_DEVWRITE = 14
/** Reclaim unmaps the pages everywhere and writes them to swap; writeback has ended when it returns. */
export const OP_SWAPOUT = 15
/** lru_add_drain_all(): every CPU's LRU batches are emptied. */
export const OP_DRAIN = 16
/** UFFDIO_WRITEPROTECT of a range, which is registered if it was not. */
export const OP_UFFD_WP = 17
/** A write to /proc/PID/clear_refs. */
export const OP_CLEAR_REFS = 18
/** ksmd scans all memory until there is nothing to merge. */
export const OP_KSM_WAIT = 19
/** Pages move to other frames, as compaction and page migration do. */
export const OP_MIGRATE = 20
/** A speculative reference on a page, as a scan takes it. */
export const OP_GET = 21
/** That reference is given back. */
export const OP_PUT = 22
/** A store with FOLL_FORCE, as ptrace() makes it. */
export const OP_POKE = 23
/** A store of bytes that are equal for equal content numbers, for KSM. */
export const OP_STORE_SAME = 24
/** split_folio() of the large folio at the page. */
export const OP_FOLIO_SPLIT = 25
/** Reclaim, as OP_SWAPOUT, but the device is still writing when it returns. */
export const OP_WRITEBACK = 26
/** The device has written all that was under writeback. */
export const OP_WRITEBACK_END = 27
/** NUMA balancing's scan of the range, and the hint fault of each page. */
export const OP_NUMA_HINT = 28
/** khugepaged scans every aligned 2 MiB of the range, and collapses what it may. */
export const OP_KHUGEPAGED = 29
/** UFFDIO_REGISTER of a range for UFFD_* modes; 0: UFFDIO_UNREGISTER. */
export const OP_UFFD_REGISTER = 30
/** The userfaultfd manager provides pages that are not mapped, unasked. */
export const OP_UFFD_RESOLVE = 31
/** A tunable of the machine (SET_*) gets a value. */
export const OP_SET = 32
/** An operation begins that is taken through its steps (steps.ts). */
export const OP_BEGIN = 33
/** Such an operation goes on. */
export const OP_STEP = 34

/** By OP_*: its operands after the process id, in order. LOAD and STORE repeat theirs. */
export const OPERANDS: readonly (readonly string[])[] = [
  ['vpn'], // LOAD
  ['vpn'], // STORE
  [], // SPAWN
  ['child'], // FORK: `child` is a process id that was never used before
  [], // EXEC
  [], // EXIT
  ['vpn', 'pages', 'kind', 'prot', 'folioOrder', 'object', 'pgoff'], // MMAP
  ['vpn', 'pages'], // MUNMAP
  ['vpn', 'pages', 'prot'], // MPROTECT
  ['vpn', 'pages', 'to'], // MREMAP
  ['vpn', 'pages', 'advice'], // MADVISE
  ['vpn', 'pages', 'kind', 'pin'], // PIN: `pin` is an id that was never used before
  ['pin'], // UNPIN
  ['pin', 'index'], // DEVREAD
  ['pin', 'index'], // DEVWRITE
  ['vpn', 'pages'], // SWAPOUT
  [], // DRAIN
  ['vpn', 'pages', 'on'], // UFFD_WP
  ['value'], // CLEAR_REFS
  [], // KSM_WAIT
  ['vpn', 'pages'], // MIGRATE
  ['vpn'], // GET
  ['vpn'], // PUT
  ['vpn'], // POKE
  ['vpn', 'content'], // STORE_SAME
  ['vpn'], // FOLIO_SPLIT
  ['vpn', 'pages'], // WRITEBACK
  [], // WRITEBACK_END
  ['vpn', 'pages'], // NUMA_HINT
  ['vpn', 'pages'], // KHUGEPAGED
  ['vpn', 'pages', 'modes'], // UFFD_REGISTER
  ['vpn', 'pages', 'how'], // UFFD_RESOLVE
  ['setting', 'value'], // SET: `setting` is one of SET_* (settings.ts)
  // BEGIN: `task` is an id that was never used before; `op` is FORK (child), PIN (vpn, kind, pin), STORE (vpn) or SWAPOUT
  // (vpn), of one page; absent operands are 0.
  ['task', 'op', 'first', 'second', 'third'],
  ['task', 'until'], // STEP: up to and including step `until`, or STEP_NEXT or STEP_ALL
]

/** By OP_*: the word for it, as litmus tests and `trace info` have it. */
export const OP_LABELS: readonly string[] = [
  'load',
  'store',
  'spawn',
  'fork',
  'exec',
  'exit',
  'mmap',
  'munmap',
  'mprotect',
  'mremap',
  'madvise',
  'pin',
  'unpin',
  'devread',
  'devwrite',
  'swapout',
  'drain',
  'uffdwp',
  'clearrefs',
  'ksmwait',
  'migrate',
  'get',
  'put',
  'poke',
  'writesame',
  'split',
  'writeback',
  'writebackend',
  'numahint',
  'khugepaged',
  'uffdregister',
  'uffdresolve',
  'set',
  'begin',
  'step',
]

/** Operations of the whole machine: they name no process, and their process id, 0, says nothing of who is there. */
export const OF_NO_PROCESS: ReadonlySet<number> = new Set([
  OP_DRAIN,
  OP_KSM_WAIT,
  OP_WRITEBACK_END,
  OP_SET,
])

/** By the constant: the word for it, where a person reads or writes it. */
export type Labels = Readonly<Record<number, string>>

/** MMAP `kind`: memory of the process's own, full of zeroes. `object` and `pgoff` say nothing of it. */
export const MAP_PRIVATE_ANON = 0
/** A private mapping of a file: reads show the page cache, a store gives the process a copy. */
export const MAP_PRIVATE_FILE = 1
/** Shared anonymous memory, shmem or a shared file: all mappings of `object` see one another's stores. */
export const MAP_SHARED = 2

/** By MAP_*. */
export const MAP_LABELS: Labels = {
  [MAP_PRIVATE_ANON]: 'anon',
  [MAP_PRIVATE_FILE]: 'file',
  [MAP_SHARED]: 'shared',
}

/** MMAP and MPROTECT `prot`, bits: no access at all. */
export const PROT_NONE = 0
/** May be loaded from. */
export const PROT_READ = 1
/** May be stored to. */
export const PROT_WRITE = 2

/** By PROT_* bits. */
export const PROT_LABELS: Labels = {
  [PROT_NONE]: 'none',
  [PROT_READ]: 'ro',
  [PROT_WRITE]: 'wo',
  [PROT_READ | PROT_WRITE]: 'rw',
}

/** MADVISE `advice`: the pages are unmapped; what was stored to private memory is gone. */
export const MADV_DONTNEED = 0
/** What the pages hold may be dropped unless it is stored to again. */
export const MADV_FREE = 1
/** Reclaim of the pages, now, where only this process maps them. */
export const MADV_PAGEOUT = 2
/** Collapse into huge pages, now (6.1). */
export const MADV_COLLAPSE = 3
/** Huge pages are welcome. */
export const MADV_HUGEPAGE = 4
/** No huge page is put in from now on. */
export const MADV_NOHUGEPAGE = 5
/** KSM may merge the pages. */
export const MADV_MERGEABLE = 6
/** fork leaves the area out. */
export const MADV_DONTFORK = 7
/** What KSM has merged here becomes pages of the process again. */
export const MADV_UNMERGEABLE = 8

/** By MADV_*. */
export const MADV_LABELS: Labels = {
  [MADV_DONTNEED]: 'dontneed',
  [MADV_FREE]: 'free',
  [MADV_PAGEOUT]: 'pageout',
  [MADV_COLLAPSE]: 'collapse',
  [MADV_HUGEPAGE]: 'hugepage',
  [MADV_NOHUGEPAGE]: 'nohugepage',
  [MADV_MERGEABLE]: 'mergeable',
  [MADV_DONTFORK]: 'dontfork',
  [MADV_UNMERGEABLE]: 'unmergeable',
}

/** UFFD_REGISTER `modes`, bits, as UFFDIO_REGISTER_MODE_*: an event for each first access to a hole. */
export const UFFD_MISSING = 1
/** An event for each first store to a page that is write-protected. */
export const UFFD_WP = 2
/** An event for each first access to a page that is in the page cache but not mapped. */
export const UFFD_MINOR = 4

/** UFFD_RESOLVE `how`, by the ioctl that provides the pages: new ones, with bytes of the manager's. */
export const UFFDIO_COPY = 0
/** The zero page is mapped. */
export const UFFDIO_ZEROPAGE = 1
/** The page that is in the page cache is mapped. */
export const UFFDIO_CONTINUE = 2

/** PIN `kind`, by what the kernel call asks of get_user_pages(): vmsplice() reads, FOLL_GET. */
export const PIN_VMSPLICE = 0
/** A registered buffer of io_uring: FOLL_PIN | FOLL_WRITE | FOLL_LONGTERM. */
export const PIN_IOURING = 1
/** An O_DIRECT read into the pages: FOLL_WRITE; FOLL_GET before 6.5, FOLL_PIN from 6.5. */
export const PIN_ODIRECT = 2
/** RDMA, or another driver's short pin: FOLL_PIN | FOLL_WRITE. */
export const PIN_DMAPIN = 3
/** A buffer that a device only reads: FOLL_PIN | FOLL_LONGTERM, read-only. */
export const PIN_ROPIN = 4

/** By PIN_*. */
export const PIN_LABELS: Labels = {
  [PIN_VMSPLICE]: 'vmsplice',
  [PIN_IOURING]: 'iouring',
  [PIN_ODIRECT]: 'odirect',
  [PIN_DMAPIN]: 'dmapin',
  [PIN_ROPIN]: 'ropin',
}
