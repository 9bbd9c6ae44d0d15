/** facilities: what the running machine can do, and what a test needs of it; this file gives the reason for a skip. */
import { existsSync, readFileSync } from 'node:fs'
import { EVENTS } from '../litmus/language.ts'
import type { LitmusTest, Operation } from '../litmus/program.ts'
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
import type { LiveDriver } from './driver.ts'
import {
  MAX_OBJECTS,
  MAX_OPS,
  MAX_PAGE_RESULTS,
  MAX_PINNED_PAGES,
  MAX_PINS,
  MAX_SLOTS,
  PROBE_DEVICE,
  PROBE_IO_URING,
  PROBE_KSM_FLAG,
  PROBE_PAGEMAP,
  PROBE_SOFT_DIRTY,
  PROBE_UFFD_WP,
} from './request.ts'

/** Something that the whole command needs and this machine does not have: one line, exit code 5. */
export class MissingFacility extends Error {}

/** After these a page may be mapped more than once. */
const SHARING = new Set([OP_FORK, OP_KSM_WAIT])

/** The end of a test's name that wants a swap disk. */
const DISK_SWAP = '@diskswap'

export interface Facilities {
  /** As `uname -r` says it, up to what is no number: `6.18.44`. */
  readonly kernel: string
  /**
   * What swap is on. Pages are gone from memory at once where it is memory too (zram); from a disk's swapcache they go when
   * reclaim comes for the second time.
   */
  readonly swap: 'none' | 'memory' | 'disk'
  /** `always`, `madvise`, `never`, or empty where the kernel has no transparent huge pages. */
  readonly thp: string
  /** Sizes other than 2 MiB that a fault may fill with, which no policy of ours models. */
  readonly mthp: readonly string[]
  readonly ksm: boolean
  readonly uffdWp: boolean
  readonly softDirty: boolean
  readonly ioUring: boolean
  /** Is there a /dev/cowbench, which does what no system call does (scripts/other-kernel)? */
  readonly device: boolean
}

/** Throws MissingFacility where nothing can be run at all: neither live tests nor `what` else is asked for. */
export function demandLinuxRoot(what = 'live tests'): void {
  const need = (facility: string): MissingFacility =>
    new MissingFacility(`${what} need ${facility}`)
  if (process.platform !== 'linux') throw need('Linux')
  if (process.getuid?.() !== 0) throw need('root: frame numbers are hidden from others')
  if (!existsSync('/proc/kpageflags')) {
    throw need('/proc/kpageflags (CONFIG_PROC_PAGE_MONITOR)')
  }
  const [, pages = '4'] = /^KernelPageSize: +([0-9]+) kB/m.exec(textIn('/proc/self/smaps')) ?? []
  if (pages !== '4') throw need(`pages of 4 KiB, not ${pages} KiB`)
}

export async function facilitiesOf(driver: LiveDriver): Promise<Facilities> {
  if (!(await driver.probe(PROBE_PAGEMAP))) {
    throw new MissingFacility('live tests need frame numbers in /proc/self/pagemap (CAP_SYS_ADMIN)')
  }
  return {
    kernel: runningKernel(),
    swap: swapOf(textIn('/proc/swaps')),
    thp: chosen(textIn(`${THP}/enabled`)),
    mthp: mthpOf((file) => textIn(`${THP}/${file}`)),
    // A page that KSM has merged must be known from others (6.12 shows all alike).
    ksm: textIn('/sys/kernel/mm/ksm/run').trim() === '1' && (await driver.probe(PROBE_KSM_FLAG)),
    ...(await probesOf(driver)),
  }
}

/** What only the driver can find out. */
export async function probesOf(
  driver: LiveDriver,
): Promise<Pick<Facilities, 'uffdWp' | 'softDirty' | 'ioUring' | 'device'>> {
  return {
    uffdWp: await driver.probe(PROBE_UFFD_WP),
    softDirty: await driver.probe(PROBE_SOFT_DIRTY),
    ioUring: await driver.probe(PROBE_IO_URING),
    device: await driver.probe(PROBE_DEVICE),
  }
}

/** `text` is /proc/swaps. Of several areas any may be used. */
export function swapOf(text: string): Facilities['swap'] {
  const [, ...areas] = text.trim().split('\n')
  if (areas.length === 0) return 'none'
  // What sets SWP_SYNCHRONOUS_IO in mainline.
  return areas.every((area) => /^\/dev\/(zram|ram|pmem)/.test(area)) ? 'memory' : 'disk'
}

/** As `uname -r` says it, up to what is no number. */
export function runningKernel(): string {
  return /^[0-9.]+/.exec(textIn('/proc/sys/kernel/osrelease'))?.[0] ?? 'unknown'
}

const THP = '/sys/kernel/mm/transparent_hugepage'
/** Of folios smaller than 2 MiB, in kB. */
const SMALLER_SIZES = ['16', '32', '64', '128', '256', '512', '1024']

/** The smaller sizes that are on. `settingIn` reads a file of THP's folder. */
export function mthpOf(settingIn: (file: string) => string): string[] {
  return SMALLER_SIZES.filter((size) => {
    const own = chosen(settingIn(`hugepages-${size}kB/enabled`))
    const state = own === 'inherit' ? chosen(settingIn('enabled')) : own
    return state !== '' && state !== 'never'
  })
}

/** `always [madvise] never` is madvise. */
function chosen(text: string): string {
  return /\[(\w+)\]/.exec(text)?.[1] ?? ''
}

function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

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

function lacking(
  { n, mm, code, vpn, pages, value, map, folioOrder, pin }: Operation,
  machine: Facilities,
  { operations, pins }: LitmusTest,
): string | undefined {
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
      if (value !== MADV_COLLAPSE) return undefined
      if (earlier.some((other) => other.map === MAP_PRIVATE_FILE && overlaps(other, vpn, pages)))
        return 'the model collapses no private mapping of a file'
      // request.ts tells what was not mapped as `thp` to stay small there.
      if (machine.thp === 'always' && pages >= HPAGE_PMD_NR && !isHugeArea(vpn, earlier))
        return 'THP is on for everything'
      return machine.thp === '' ? 'no THP' : undefined
    case OP_SWAPOUT:
      if (!machine.device && earlier.some(collapses)) {
        // MADV_PAGEOUT splits a part, and with that has unmapped what it would go on with.
        const whole = (vpn | pages) % HPAGE_PMD_NR === 0 && !earlier.some(moves)
        if (!whole && earlier.some((other) => other.map === MAP_SHARED))
          return 'no system call swaps out part of a huge page of shared memory'
      }
      // MADV_PAGEOUT leaves alone what is mapped more than once; so does the device, where folios are large.
      return earlier.some(({ code }) => SHARING.has(code)) &&
        !(machine.device && !earlier.some(asksForHuge))
        ? 'no system call swaps out what is mapped more than once'
        : noSwap(machine)
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

/** Is that kernel of this version or a later one? */
export function isSince(kernel: string, major: number, minor: number): boolean {
  const [its = 0, part = 0] = kernel.split('.').map(Number)
  return its > major || (its === major && part >= minor)
}

function noSwap({ swap, device }: Facilities): string | undefined {
  if (swap === 'none') return 'no swap'
  return swap === 'disk' && !device
    ? 'swap is on a disk, and no system call empties the swapcache'
    : undefined
}
