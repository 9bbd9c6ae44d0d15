/** request: a litmus test as the driver takes it, and the driver's answer as it comes back; this file knows the bytes. */
import type { LitmusTest, Operation } from '../litmus/program.ts'
import {
  MAP_PRIVATE_ANON,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_FORK,
  OP_MMAP,
  OP_MREMAP,
  OP_SPAWN,
  OP_UFFD_WP,
} from '../trace/ops.ts'

/** driver.h's constants and sizes, held equal by a test. */
export const MAGIC = 0x6c776f63
const HEADER_BYTES = 16
const OP_BYTES = 64
export const OP_RESULT_BYTES = 16
export const PAGE_RESULT_BYTES = 48
const PAGE_BYTES = 4096
/** driver.h's own operation, and what it asks the machine for. */
export const OP_PROBE = 200
export const PROBE_PAGEMAP = 0
export const PROBE_UFFD_WP = 1
export const PROBE_SOFT_DIRTY = 2
export const PROBE_IO_URING = 3
export const PROBE_KSM_FLAG = 4
export const PROBE_DEVICE = 5
export const MAX_SLOTS = 32
export const MAX_PINS = 64
export const MAX_OPS = 4096
export const MAX_OBJECTS = 8
/** Eight pipes of 256 pages. */
export const MAX_PINNED_PAGES = 2048
/** Pages whose observation fits into one answer. */
export const MAX_PAGE_RESULTS = 400_000

/** Linux's own MADV_* numbers, for what an area is told when it is mapped. */
const LINUX_MADV_HUGEPAGE = 14
const LINUX_MADV_NOHUGEPAGE = 15

const BASE = 0x100_0000_0000
/** Areas lie apart, so that the kernel does not merge two into one. */
const GAP_PAGES = 1024

/** Room for a content number per page of every operation. */
const TOKENS = 1 << 20

/** What one page held: PAGE_* (src/litmus/machine-shape.ts), its frame, and the low bits of /proc/kpageflags. */
export interface Seen {
  readonly kind: number
  readonly pfn: number
  readonly flags: number
}

export interface PageSeen {
  readonly before: Seen
  readonly after: Seen
  /** What was loaded, or read by the device. */
  readonly token: number
  readonly faults: number
  /** DONE, NOT_PERMITTED or REFUSED. */
  readonly status: number
}

export interface OperationSeen {
  readonly status: number
  /** errno where it was refused. */
  readonly error: number
  readonly pages: readonly PageSeen[]
}

/** What the operation's first page is stored with; the next page gets one more. */
export function tokenOf({ n }: Pick<Operation, 'n'>): number {
  return n * TOKENS
}

export interface RequestOptions {
  readonly drained: boolean
  /** Small areas must be told to stay small: transparent huge pages are on for everything. */
  readonly thpAlways: boolean
}

export function encodeTest(test: LitmusTest, { drained, thpAlways }: RequestOptions): Buffer {
  const space = new AddressSpace(test)
  const bytes = Buffer.alloc(HEADER_BYTES + OP_BYTES * test.operations.length)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(test.operations.length, 4)
  bytes.writeUInt32LE(drained ? 1 : 0, 8)
  test.operations.forEach((operation, i) => {
    writeOperation(bytes, HEADER_BYTES + OP_BYTES * i, operation, space, thpAlways)
  })
  return bytes
}

/** One question about the machine (PROBE_*), as a test of two operations whose second one answers. */
export function encodeProbe(what: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + 2 * OP_BYTES)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(2, 4)
  bytes.writeUInt32LE(OP_SPAWN, HEADER_BYTES)
  const probe = HEADER_BYTES + OP_BYTES
  bytes.writeUInt32LE(OP_PROBE, probe)
  bytes.writeBigUInt64LE(BigInt(BASE), probe + 8)
  bytes.writeBigUInt64LE(BigInt(what), probe + 24)
  return bytes
}

function writeOperation(
  bytes: Buffer,
  at: number,
  operation: Operation,
  space: AddressSpace,
  thpAlways: boolean,
): void {
  const { code, mm, vpn, pages, value, pin, first, map } = operation
  const area = vpn < 0 ? undefined : space.area(vpn)
  let [a, b, c] = [value, 0, 0]
  if (code === OP_MMAP) {
    b = map
    if (map !== MAP_PRIVATE_ANON) c = space.object(operation.object)
    else if (operation.folioOrder > 0) c = LINUX_MADV_HUGEPAGE
    else if (thpAlways) c = LINUX_MADV_NOHUGEPAGE
  } else if (code === OP_MREMAP) a = space.address(value)
  else if (code === OP_FORK) a = value
  else if (code === OP_DEVREAD || code === OP_DEVWRITE) a = first
  else if (code === OP_UFFD_WP && area !== undefined) {
    b = space.address(area.vpn)
    c = area.pages
  }
  bytes.writeUInt32LE(code, at)
  bytes.writeUInt32LE(mm, at + 4)
  const wide = [vpn < 0 ? 0 : space.address(vpn), pages, a, b, c, tokenOf(operation)]
  wide.forEach((number, i) => {
    bytes.writeBigUInt64LE(BigInt(number), at + 8 + 8 * i)
  })
  bytes.writeInt32LE(pin, at + 56)
  bytes.writeUInt32LE(value, at + 60)
}

interface Range {
  readonly vpn: number
  readonly pages: number
}

/** Where the test's areas lie in real address space. */
class AddressSpace {
  readonly #areas: Range[] = []
  readonly #objects: number[] = []

  constructor({ operations }: LitmusTest) {
    for (const { code, vpn, pages, value, map, object } of operations) {
      if (code === OP_MMAP && map !== MAP_PRIVATE_ANON) this.#objects.push(object)
      if (code === OP_MMAP) this.#areas.push({ vpn, pages })
      else if (code === OP_MREMAP) this.#areas.push({ vpn: value, pages })
    }
  }

  /** Files and shared memory are numbered from 0. */
  object(id: number): number {
    return this.#objects.indexOf(id)
  }

  area(vpn: number): Range {
    const found = this.#areas.findLast((area) => area.vpn <= vpn)
    if (found === undefined) throw new RangeError(`unknown area: page ${vpn}`)
    return found
  }

  address(vpn: number): number {
    const index = this.#areas.findLastIndex((area) => area.vpn <= vpn)
    return BASE + (vpn + GAP_PAGES * index) * PAGE_BYTES
  }
}

/** Bytes of an answer's beginning, and how many follow. */
export const ANSWER_HEADER_BYTES = 8

export function answerLength(header: Buffer): number {
  if (header.readUInt32LE(0) !== MAGIC) throw new Error('invalid answer of the live driver')
  return header.readUInt32LE(4)
}

export function decodeAnswer(bytes: Buffer): OperationSeen[] {
  const seen: OperationSeen[] = []
  for (let at = 0; at < bytes.length; ) {
    const count = Number(bytes.readBigUInt64LE(at + 8))
    const pages: PageSeen[] = []
    for (let i = 0; i < count; i++) {
      pages.push(decodePage(bytes, at + OP_RESULT_BYTES + PAGE_RESULT_BYTES * i))
    }
    seen.push({ status: bytes.readUInt32LE(at), error: bytes.readUInt32LE(at + 4), pages })
    at += OP_RESULT_BYTES + PAGE_RESULT_BYTES * count
  }
  return seen
}

function decodePage(bytes: Buffer, at: number): PageSeen {
  return {
    before: decodeSeen(bytes, at),
    after: decodeSeen(bytes, at + 16),
    token: Number(bytes.readBigUInt64LE(at + 32)),
    faults: bytes.readUInt32LE(at + 40),
    status: bytes.readUInt32LE(at + 44),
  }
}

function decodeSeen(bytes: Buffer, at: number): Seen {
  return {
    pfn: Number(bytes.readBigUInt64LE(at)),
    kind: bytes.readUInt32LE(at + 8),
    flags: bytes.readUInt32LE(at + 12),
  }
}
