/**
 * place-fault: puts a recorded fault into the trace, with what has to precede it so that the page is as the kernel
 * found it: there if the fault was "present", and not if it was not.
 */
import {
  MADV_DONTNEED,
  MAP_PRIVATE_ANON,
  MAP_PRIVATE_FILE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from '../../trace/ops.ts'
import {
  INSERTED_ARGUMENTS,
  INSERTED_AT_FORK,
  INSERTED_FAULT_AROUND,
  INSERTED_UNSEEN_FILL,
  RECORDED_AGAIN,
  RECORDED_HOLE,
  RECORDED_PRESENT,
} from '../../trace/recording.ts'
import type { AddressSpace } from './address-space.ts'
import { type Area, newArea } from './areas.ts'
import type { ImportOutput } from './output.ts'
import {
  DISCARDABLE,
  HOLE,
  READ,
  READ_BEFORE_FORK,
  REGION_PAGES,
  type Region,
  regionOf,
  STORED,
} from './regions.ts'
import { count } from './statistics.ts'

/** x86 page fault error code. */
export const PRESENT = 1
export const WRITE = 2
const FETCH = 16

/** User addresses are below this, with five-level page tables too. */
export const USER_END = 2 ** 56

/** The default RLIMIT_STACK: how far below a stack an access still makes it grow. */
const STACK_LIMIT_PAGES = 2048

/** The file of pages that code was fetched from although no mapping is known; never another file's number. */
const UNKNOWN_CODE = 0x7fffffff

export interface PageFault {
  /** The page, as the recorded program numbers it. */
  readonly page: number
  readonly errorCode: number
  /** Has the same fault been recorded a moment ago? */
  readonly again: boolean
}

/** Returns RECORDED_*: what the fault is in the trace. */
export function placeFault(output: ImportOutput, space: AddressSpace, fault: PageFault): number {
  const write = (fault.errorCode & WRITE) !== 0
  const area = areaOf(output, space, fault)
  const region = space.touch(fault.page)
  const i = fault.page % REGION_PAGES
  const needed = write ? PROT_READ | PROT_WRITE : PROT_READ
  if (area.prot < needed) {
    // The kernel lets an access to a forbidden page fault too, before the signal: then the page stays forbidden.
    count(output.statistics.corrected, 'access that the known protection forbids: page opened')
    space.protect(fault.page, fault.page + 1, { ...area, prot: needed })
  }
  if (write && area.growsDown && space.argumentsEnd !== undefined) {
    fillArguments(output, space, fault.page + 1, space.argumentsEnd)
  }
  let code = RECORDED_AGAIN
  if (!fault.again) {
    const present = (fault.errorCode & PRESENT) !== 0
    code = present ? RECORDED_PRESENT : RECORDED_HOLE
    if (present && write) makePresent(output, space, area, region, i)
    else if (!present) makeAbsent(output, space, region, i, write)
  }
  output.fault(space.mm, region.base + i, write, code)
  if (write && area.kind !== MAP_SHARED) region.pages[i] = STORED
  else if (region.pages[i] === HOLE || region.pages[i] === READ_BEFORE_FORK) region.pages[i] = READ
  return code
}

/** A store found its page present: where no line says how it came there, a load brings it. */
function makePresent(
  output: ImportOutput,
  space: AddressSpace,
  area: Area,
  region: Region,
  i: number,
): void {
  const known = region.pages[i]
  if (known === HOLE) {
    const code = area.kind === MAP_PRIVATE_ANON ? INSERTED_UNSEEN_FILL : INSERTED_FAULT_AROUND
    output.insert(space.mm, region.base + i, false, code)
  } else if (known === READ_BEFORE_FORK) {
    output.insert(space.mm, region.base + i, false, INSERTED_AT_FORK)
  }
}

/** A fault found nothing: a page that the trace would have there is dropped, unless it makes no difference. */
function makeAbsent(
  output: ImportOutput,
  space: AddressSpace,
  region: Region,
  i: number,
  write: boolean,
): void {
  const known = region.pages[i]!
  if (known === HOLE || known === DISCARDABLE) return
  // A load that finds a page-cache page or the zero page again decides nothing.
  if (!write && known !== STORED) return
  output.writer.madvise(space.mm, region.base + i, 1, MADV_DONTNEED)
  region.pages[i] = HOLE
  count(
    output.statistics.corrected,
    known === STORED
      ? 'private page gone without a recorded call: dropped'
      : 'file page or zero page gone before a store: dropped',
  )
}

/** exec wrote the program's arguments from the top of the stack down to where the first fault came. */
function fillArguments(
  output: ImportOutput,
  space: AddressSpace,
  start: number,
  end: number,
): void {
  space.argumentsEnd = undefined
  for (let page = start; page < end; page++) {
    const region = space.touch(page)
    const i = page % REGION_PAGES
    if (region.pages[i] !== HOLE) continue
    output.insert(space.mm, region.base + i, true, INSERTED_ARGUMENTS)
    region.pages[i] = STORED
  }
}

function areaOf(output: ImportOutput, space: AddressSpace, { page, errorCode }: PageFault): Area {
  const area = space.areas.find(page)
  if (area) return area
  const above = space.areas.above(page)
  if (above?.growsDown && above.start - page <= STACK_LIMIT_PAGES) {
    space.map({ ...above, start: page, end: above.start })
  } else {
    const [reason, guess] = plausibleArea(space, page, (errorCode & FETCH) !== 0)
    count(output.statistics.corrected, reason)
    space.map(guess)
  }
  return space.areas.find(page)!
}

/** Code is a page of some file; anything else is private memory, as far as its region has room. */
function plausibleArea(space: AddressSpace, page: number, fetch: boolean): [string, Area] {
  const when = space.fromStart ? 'by no recorded line' : 'before the recording began'
  if (fetch) {
    const code = newArea({
      ...{ start: page, end: page + 1, kind: MAP_PRIVATE_FILE, prot: PROT_READ, executable: true },
      ...{ object: UNKNOWN_CODE, pgoff: page % UNKNOWN_CODE },
    })
    return [`code page mapped ${when}: assumed`, code]
  }
  const start = regionOf(page) * REGION_PAGES
  const [from, to] = space.areas
    .gaps(start, start + REGION_PAGES)
    .find(([from, to]) => from <= page && page < to)!
  return [
    `memory mapped ${when}: assumed`,
    newArea({ start: from, end: to, kind: MAP_PRIVATE_ANON, prot: PROT_READ | PROT_WRITE }),
  ]
}
