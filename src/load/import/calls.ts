/**
 * calls: what the memory system calls do to an address space, from their recorded operands and return values.
 *
 * munmap, mprotect and madvise take effect at their entry: their return is not recorded, and success is assumed.
 * mmap, mremap and brk take effect at their return, which alone knows the address.
 */
import {
  MADV_COLLAPSE,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_PAGEOUT,
  MAP_PRIVATE_ANON,
  MAP_PRIVATE_FILE,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from '../../trace/ops.ts'
import type { AddressSpace } from './address-space.ts'
import { type Area, newArea, type Rights } from './areas.ts'
import type { FileObjects } from './file-objects.ts'
import type { Call, MappingRecord } from './perf-line.ts'

export const PAGE = 4096

// From the kernel's uapi headers, x86-64.
const MAP_TYPE = 0xf
const MAP_TYPE_PRIVATE = 2
const MAP_ANONYMOUS = 0x20
const MAP_GROWSDOWN = 0x100
const MAP_LOCKED = 0x2000
const MAP_POPULATE = 0x8000
const MAP_NONBLOCK = 0x10000
const MAP_HUGETLB = 0x40000
/** Files that are hugetlb pages: what the kernel calls an anonymous mapping's, and the usual mount points. */
const HUGETLB_FILE = /^\/anon_hugepage|\/(hugepages|hugetlbfs)[^/]*\//
const MREMAP_DONTUNMAP = 4
const MADV_POPULATE_READ = 22
const MADV_POPULATE_WRITE = 23
const ADVICE: ReadonlyMap<number, number> = new Map([
  [4, MADV_DONTNEED],
  [8, MADV_FREE],
  [10, MADV_DONTFORK],
  [12, MADV_MERGEABLE],
  [14, MADV_HUGEPAGE],
  [15, MADV_NOHUGEPAGE],
  [21, MADV_PAGEOUT],
  [24, MADV_DONTNEED], // MADV_DONTNEED_LOCKED
  [25, MADV_COLLAPSE],
])

/** x86 has no memory that can be written and not read. */
const PROT_RW = PROT_READ | PROT_WRITE

/** A return value in the range of the error numbers; perf prints it unsigned. */
export function failed(value: number): boolean {
  return value < 0 || value >= 2 ** 63
}

/** Applies munmap, mprotect or madvise. Says why it has no effect, or nothing if it has. */
export function applyEntry(space: AddressSpace, { name, operands }: Call): string | undefined {
  const [address = 0, length = 0, what = 0] = operands
  const start = Math.floor(address / PAGE)
  const end = Math.ceil((address + length) / PAGE)
  if (name === 'munmap') space.unmap(start, end)
  else if (name === 'mprotect') space.protect(start, end, rightsOfBits(what))
  else if (what === MADV_POPULATE_READ || what === MADV_POPULATE_WRITE) {
    space.populate(start, end, what === MADV_POPULATE_WRITE)
  } else {
    const advice = ADVICE.get(what)
    if (advice === undefined) return `madvise ${what}, which the simulator does not know`
    space.advise(start, end, advice)
  }
  return undefined
}

/**
 * Applies an mmap that returned `address`; `record` is what perf saw of the mapping, if it did. Says why nothing can be
 * made of it, or nothing if something can.
 */
export function applyMmap(
  space: AddressSpace,
  { operands }: Call,
  record: MappingRecord | undefined,
  address: number,
  files: FileObjects,
): string | undefined {
  const [, length = 0, bits = 0, flags = 0, , offset = 0] = operands
  const start = Math.floor(address / PAGE)
  const end = start + Math.ceil(length / PAGE)
  const rights = rightsOfBits(bits)
  if ((flags & MAP_HUGETLB) !== 0 || HUGETLB_FILE.test(record?.name ?? '')) {
    space.map(newArea({ start, end, kind: MAP_SHARED, ...rights, hugetlb: true }))
    return 'mmap of hugetlb pages, which are out of scope'
  }
  const shared = (flags & MAP_TYPE) !== MAP_TYPE_PRIVATE
  if (!shared && (flags & MAP_ANONYMOUS) !== 0) {
    const growsDown = (flags & MAP_GROWSDOWN) !== 0
    space.map(newArea({ start, end, kind: MAP_PRIVATE_ANON, ...rights, growsDown }))
  } else {
    const kind = shared ? MAP_SHARED : MAP_PRIVATE_FILE
    const object = record ? files.number(record) : files.unnamed()
    const pgoff = Math.floor(offset / PAGE)
    space.map(newArea({ start, end, kind, ...rights, object, pgoff }))
  }
  const populates = (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE
  if (populates || (flags & MAP_LOCKED) !== 0) {
    space.populate(start, end, (rights.prot & PROT_WRITE) !== 0)
  }
  return undefined
}

/** Applies an mremap that returned `address`. Says why it has no effect, or nothing if it has. */
export function applyMremap(
  space: AddressSpace,
  { operands }: Call,
  address: number,
): string | undefined {
  const [from = 0, oldLength = 0, newLength = 0, flags = 0] = operands
  const start = Math.floor(from / PAGE)
  const oldPages = Math.ceil(oldLength / PAGE)
  const newPages = Math.ceil(newLength / PAGE)
  const to = Math.floor(address / PAGE)
  if (oldPages === 0) return 'mremap that maps shared pages a second time'
  const before = space.areas.find(start)
  if (!before) return 'mremap of memory that no line mapped'
  const area = part(before, start, start + oldPages)
  if (newPages < oldPages) space.unmap(start + newPages, start + oldPages)
  const pages = Math.min(oldPages, newPages)
  if (to !== start) {
    space.move(start, pages, to)
    if ((flags & MREMAP_DONTUNMAP) !== 0) space.map(part(area, start, start + pages))
  }
  if (newPages > oldPages) {
    space.map(part({ ...area, start: to }, to + oldPages, to + newPages))
  }
  return undefined
}

/** Applies a brk that returned `value`, the program break from now on. */
export function applyBrk(space: AddressSpace, value: number): void {
  const before = space.programBreak ?? value
  space.programBreak = value
  const from = Math.ceil(before / PAGE)
  const to = Math.ceil(value / PAGE)
  if (to > from) {
    space.map(newArea({ start: from, end: to, kind: MAP_PRIVATE_ANON, prot: PROT_RW }))
  } else space.unmap(to, from)
}

/**
 * Makes the address space agree with a mapping that perf saw outside mmap and brk: an exec's image, a grown stack, or
 * what lost lines had changed. The pages of what agrees already stay. Says whether anything was new.
 */
export function learnMapping(
  space: AddressSpace,
  record: MappingRecord,
  files: FileObjects,
): boolean {
  const area = areaOfRecord(record, files)
  let news = false
  for (const known of space.areas.within(area.start, area.end)) {
    const same =
      known.kind === area.kind &&
      known.object === area.object &&
      (area.object === 0 || known.pgoff === area.pgoff + (known.start - area.start))
    if (same && known.prot === area.prot && known.executable === area.executable) continue
    news = true
    if (same) space.protect(known.start, known.end, area)
    else space.map(part(area, known.start, known.end))
  }
  for (const [from, to] of space.areas.gaps(area.start, area.end)) {
    news = true
    space.map(part(area, from, to))
  }
  space.areas.join(area.start, area.end)
  return news
}

function areaOfRecord(record: MappingRecord, files: FileObjects): Area {
  const start = Math.floor(record.start / PAGE)
  const end = start + Math.ceil(record.length / PAGE)
  const [readable, writable, execute, sharing] = record.flags
  const rights = rightsOfBits(
    (readable === 'r' ? 1 : 0) | (writable === 'w' ? 2 : 0) | (execute === 'x' ? 4 : 0),
  )
  if (HUGETLB_FILE.test(record.name)) {
    return newArea({ start, end, kind: MAP_SHARED, ...rights, hugetlb: true })
  }
  const object = files.number(record)
  if (object === 0) {
    const growsDown = record.name === '[stack]'
    return newArea({ start, end, kind: MAP_PRIVATE_ANON, ...rights, growsDown })
  }
  const kind = sharing === 's' ? MAP_SHARED : MAP_PRIVATE_FILE
  const pgoff = Math.floor(record.offset / PAGE)
  return newArea({ start, end, kind, ...rights, object, pgoff })
}

/** [start, end) as the same mapping as `area`, within it or where it would continue. */
function part(area: Area, start: number, end: number): Area {
  const pgoff = area.object === 0 ? 0 : area.pgoff + (start - area.start)
  return { ...area, start, end, pgoff }
}

/** PROT_READ, PROT_WRITE and PROT_EXEC as the kernel numbers them: 1, 2, 4. */
function rightsOfBits(bits: number): Rights {
  const prot = (bits & 2) !== 0 ? PROT_RW : (bits & 5) !== 0 ? PROT_READ : PROT_NONE
  return { prot, executable: (bits & 4) !== 0 }
}
