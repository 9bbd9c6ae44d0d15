/** reason-to-skip: what a litmus test needs of the machine that it runs on, and what it says of one that lacks it. */
import { EVENTS } from '../litmus/language.ts'
import type { LitmusTest, Operation } from '../litmus/program.ts'
import { DISK_SWAP } from '../litmus/truth.ts'
import { HPAGE_PMD_NR } from '../trace/hpage.ts'
import {
  MADV_COLLAPSE,
  MADV_HUGEPAGE,
  MADV_PAGEOUT,
  MAP_PRIVATE_ANON,
  MAP_PRIVATE_FILE,
  MAP_SHARED,
  OP_BEGIN,
  OP_CLEAR_REFS,
  OP_DEVWRITE,
  OP_FORK,
  OP_KHUGEPAGED,
  OP_KSM_WAIT,
  OP_MADVISE,
  OP_MMAP,
  OP_MREMAP,
  OP_PIN,
  OP_POKE,
  OP_SET,
  OP_STEP,
  OP_SWAPOUT,
  OP_UFFD_REGISTER,
  OP_UFFD_RESOLVE,
  OP_UFFD_WP,
  OP_WRITEBACK,
  OP_WRITEBACK_END,
  PIN_IOURING,
  PIN_VMSPLICE,
} from '../trace/ops.ts'
import { type Facilities, isSince } from './facilities.ts'
import {
  MAX_OBJECTS,
  MAX_OPS,
  MAX_PAGE_RESULTS,
  MAX_PINNED_PAGES,
  MAX_PINS,
  MAX_SLOTS,
} from './request.ts'

/** After these a page may be mapped more than once. */
const SHARING = new Set([OP_FORK, OP_KSM_WAIT])

/** Why this machine cannot run the test, or undefined if it can. */
export function reasonToSkip(test: LitmusTest, machine: Facilities): string | undefined {
  const { name, operations, processes, pins } = test
  if (name.endsWith(DISK_SWAP) && machine.swap !== 'disk') return 'it is about swap on a disk'
  if (processes.length > MAX_SLOTS || pins.length > MAX_PINS || operations.length > MAX_OPS) {
    return `too large: at most ${MAX_SLOTS} processes, ${MAX_PINS} pins and ${MAX_OPS} operations`
  }
  const objects = operations.filter(({ code, map }) => code === OP_MMAP && map !== MAP_PRIVATE_ANON)
  if (objects.length > MAX_OBJECTS)
    return `too large: at most ${MAX_OBJECTS} files and shared areas`
  if (pins.some(({ pages }) => pages > MAX_PINNED_PAGES)) {
    return `too large: at most ${MAX_PINNED_PAGES} pages in a pin`
  }
  const looks = operations.reduce((sum, { pages, code }) => sum + (code === OP_MMAP ? 0 : pages), 0)
  if (looks > MAX_PAGE_RESULTS) return `too large: ${looks} pages are looked at`
  for (const operation of operations) {
    const reason = lacking(operation, machine, test)
    if (reason !== undefined) return reason
  }
  return undefined
}

function noHugePages({ mthp, thp }: Facilities): string | undefined {
  if (mthp.length > 0) return `mTHP is on (${mthp.join(', ')} kB)`
  return thp === '' || thp === 'never' ? 'THP is off' : undefined
}

function asksForHuge(operation: Operation): boolean {
  const { code, value, folioOrder } = operation
  const advised = code === OP_MADVISE && value === MADV_HUGEPAGE
  return advised || collapses(operation) || folioOrder > 0
}

function overlaps(operation: Operation, vpn: number, pages: number): boolean {
  return operation.vpn < vpn + pages && vpn < operation.vpn + operation.pages
}

function moves({ code }: Operation): boolean {
  return code === OP_MREMAP
}

function collapses({ code, value }: Operation): boolean {
  return code === OP_MADVISE && value === MADV_COLLAPSE
}

/** Was the area around `vpn` mapped for huge pages, or have they been asked for since? */
function isHugeArea(vpn: number, earlier: readonly Operation[]): boolean {
  return earlier.some(
    (operation) =>
      asksForHuge(operation) && operation.vpn <= vpn && vpn < operation.vpn + operation.pages,
  )
}

/** Why this one operation cannot be run there, after those before it. */
function lacking(
  operation: Operation,
  machine: Facilities,
  { operations, pins }: LitmusTest,
): string | undefined {
  const { n, mm, code, value, map, folioOrder, pin } = operation
  const earlier = operations.filter((other) => other.n < n)
  const registered = earlier.some((other) => other.code === OP_UFFD_WP && other.mm === mm)
  if (registered && (code === OP_PIN || code === OP_POKE) && !isSince(machine.kernel, 5, 11)) {
    return 'userfaultfd serves the kernel too (until 5.10)'
  }
  switch (code) {
    case OP_MMAP:
      if (folioOrder === 0) return undefined
      return map === MAP_PRIVATE_ANON
        ? noHugePages(machine)
        : 'the driver maps no huge shared memory'
    case OP_MADVISE:
      if (value === MADV_PAGEOUT) return noSwap({ ...machine, device: false })
      if (value === MADV_HUGEPAGE) return noHugePages(machine)
      return value === MADV_COLLAPSE ? noCollapse(operation, machine, earlier) : undefined
    case OP_SWAPOUT:
      return noSwapout(operation, machine, earlier) ?? noSwap(machine)
    case OP_UFFD_WP:
      return machine.uffdWp ? undefined : 'no userfaultfd write protection'
    case OP_BEGIN:
    case OP_STEP:
      return 'no system call stops in the middle of another one'
    case OP_WRITEBACK:
    case OP_WRITEBACK_END:
      return 'no system call holds writeback in progress'
    case OP_KHUGEPAGED:
    case OP_UFFD_REGISTER:
    case OP_UFFD_RESOLVE:
    case OP_SET:
    case EVENTS:
      return 'the driver has no manager of its own, and khugepaged comes when it likes'
    case OP_CLEAR_REFS:
      return machine.softDirty ? undefined : 'soft-dirty is not configured'
    case OP_KSM_WAIT:
      return machine.ksm ? undefined : 'KSM is off (/sys/kernel/mm/ksm/run)'
    case OP_PIN:
      if (value === PIN_IOURING) return machine.ioUring ? undefined : 'no io_uring'
      return value === PIN_VMSPLICE || machine.device
        ? undefined
        : 'no system call holds such a pin'
    case OP_DEVWRITE:
      return pins[pin]?.kind === PIN_VMSPLICE ? 'a pipe does not store to its pages' : undefined
    default:
      return undefined
  }
}

function noCollapse(
  { vpn, pages }: Operation,
  { thp }: Facilities,
  earlier: readonly Operation[],
): string | undefined {
  if (earlier.some((other) => other.map === MAP_PRIVATE_FILE && overlaps(other, vpn, pages)))
    return 'the model collapses no private mapping of a file'
  // request.ts tells what was not mapped as `thp` to stay small there.
  if (thp === 'always' && pages >= HPAGE_PMD_NR && !isHugeArea(vpn, earlier))
    return 'THP is on for everything'
  return thp === '' ? 'no THP' : undefined
}

function noSwapout(
  { vpn, pages }: Operation,
  { device }: Facilities,
  earlier: readonly Operation[],
): string | undefined {
  if (!device && earlier.some(collapses)) {
    // MADV_PAGEOUT splits a part, and with that has unmapped what it would go on with.
    const whole = (vpn | pages) % HPAGE_PMD_NR === 0 && !earlier.some(moves)
    if (!whole && earlier.some((other) => other.map === MAP_SHARED))
      return 'no system call swaps out part of a huge page of shared memory'
  }
  // MADV_PAGEOUT leaves alone what is mapped more than once; so does the device, where folios are large.
  const shared = earlier.some(({ code }) => SHARING.has(code))
  return shared && !(device && !earlier.some(asksForHuge))
    ? 'no system call swaps out what is mapped more than once'
    : undefined
}

function noSwap({ swap, device }: Facilities): string | undefined {
  if (swap === 'none') return 'no swap'
  return swap === 'disk' && !device
    ? 'swap is on a disk, and no system call empties the swapcache'
    : undefined
}
