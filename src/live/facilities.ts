/** facilities: what the running machine can do, as far as tests on it need to know. */
import { existsSync, readFileSync } from 'node:fs'
import type { LiveDriver } from './driver.ts'
import {
  PROBE_DEVICE,
  PROBE_IO_URING,
  PROBE_KSM_FLAG,
  PROBE_PAGEMAP,
  PROBE_SOFT_DIRTY,
  PROBE_UFFD_WP,
} from './request.ts'

/** Something that the whole command needs and this machine does not have: one line, exit code 5. */
export class MissingFacility extends Error {}

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

/** Is that kernel of this version or a later one? */
export function isSince(kernel: string, major: number, minor: number): boolean {
  const [its = 0, part = 0] = kernel.split('.').map(Number)
  return its > major || (its === major && part >= minor)
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
