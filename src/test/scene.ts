/**
 * scene: a machine that does one operation at a time, for tests worked out by hand. After each operation every count is
 * recomputed from its parts.
 */
import { POLICIES } from '../../policies/index.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { Counts } from '../oracle/judge.ts'
import { Oracle } from '../oracle/oracle.ts'
import type { ParamValue } from '../params/params.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { policyWith } from '../run.ts'
import { Engine } from '../sim/engine.ts'
import { ERAS, type EraName } from '../sim/era.ts'
import { checkInvariants } from '../sim/invariants.ts'
import type { Machine } from '../sim/machine.ts'
import type { Mm } from '../state/mm.ts'
import { PTE_PRESENT, PTE_SWAP, PTE_WRITE } from '../state/tables.ts'
import {
  MAP_PRIVATE_ANON,
  OP_CLEAR_REFS,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_DRAIN,
  OP_EXIT,
  OP_FORK,
  OP_GET,
  OP_KSM_WAIT,
  OP_LOAD,
  OP_MADVISE,
  OP_MIGRATE,
  OP_MMAP,
  OP_MPROTECT,
  OP_MREMAP,
  OP_MUNMAP,
  OP_PIN,
  OP_POKE,
  OP_PUT,
  OP_SPAWN,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UFFD_WP,
  OP_UNPIN,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'

export const RW = PROT_READ | PROT_WRITE

export interface SceneOptions {
  /** Default: the policy's own. */
  readonly era?: EraName
  readonly params?: Readonly<Record<string, ParamValue>>
  readonly swapDisk?: boolean
  /** Default: true. */
  readonly eager?: boolean
}

export interface MapOptions {
  readonly vpn?: number
  readonly order?: number
  readonly prot?: number
  readonly kind?: number
  readonly object?: number
}

/** What a test reads of a page-table entry. */
export interface Entry {
  readonly present: boolean
  readonly write: boolean
  readonly swap: boolean
}

export class Scene {
  readonly m: Machine
  readonly oracle = new Oracle()
  readonly #engine: Engine
  #processes = 0
  #pins = 0

  constructor(policy: string | PolicyDefinition, options: SceneOptions = {}) {
    const definition = typeof policy === 'string' ? policyNamed(policy) : policy
    this.#engine = new Engine({
      policy: policyWith(definition, options.params ?? {}),
      era: ERAS[options.era ?? (definition.kernel as EraName)],
      cost: DEFAULT_PROFILE,
      judge: this.oracle,
      eager: options.eager ?? true,
      swapDisk: options.swapDisk ?? false,
    })
    this.m = this.#engine.machine
  }

  /** Does one operation; returns OK, SEGV or FAILED. */
  do(op: number, mm: number, ...operands: readonly number[]): number {
    const answer = this.redo(op, mm, ...operands)
    checkInvariants(this.m)
    return answer
  }

  /** The same without a recount: what follows was counted once before. */
  redo(op: number, mm: number, ...operands: readonly number[]): number {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = operands
    return this.#engine.apply(op, mm, a, b, c, d, e, f, g)
  }

  spawn(): number {
    this.do(OP_SPAWN, this.#processes)
    return this.#processes++
  }

  fork(parent: number): number {
    this.do(OP_FORK, parent, this.#processes)
    return this.#processes++
  }

  exit(mm: number): void {
    this.do(OP_EXIT, mm)
  }

  /** A process that has stored to each page of a fresh private area at page 0; no batch holds any of them. */
  owner(pages: number, options: MapOptions = {}): number {
    const mm = this.spawn()
    this.map(mm, pages, options)
    this.store(mm, ...range(options.vpn ?? 0, pages))
    this.drain()
    return mm
  }

  map(mm: number, pages: number, options: MapOptions = {}): number {
    const { vpn = 0, order = 0, prot = RW, kind = MAP_PRIVATE_ANON, object = 1 } = options
    return this.do(OP_MMAP, mm, vpn, pages, kind, prot, order, object, 0)
  }

  unmap(mm: number, vpn: number, pages: number): void {
    this.do(OP_MUNMAP, mm, vpn, pages)
  }

  store(mm: number, ...vpns: readonly number[]): void {
    for (const vpn of vpns) this.do(OP_STORE, mm, vpn)
  }

  /** Loads one page; returns what the oracle says of what was seen (0: what it should be). */
  load(mm: number, vpn: number): number {
    this.do(OP_LOAD, mm, vpn)
    return this.m.lastSaw
  }

  mprotect(mm: number, vpn: number, pages: number, prot: number): number {
    return this.do(OP_MPROTECT, mm, vpn, pages, prot)
  }

  mremap(mm: number, vpn: number, pages: number, to: number): number {
    return this.do(OP_MREMAP, mm, vpn, pages, to)
  }

  madvise(mm: number, vpn: number, pages: number, advice: number): number {
    return this.do(OP_MADVISE, mm, vpn, pages, advice)
  }

  /** Takes a reference and returns its id. */
  pin(mm: number, vpn: number, pages: number, kind: number): number {
    this.do(OP_PIN, mm, vpn, pages, kind, this.#pins)
    return this.#pins++
  }

  unpin(mm: number, pin: number): void {
    this.do(OP_UNPIN, mm, pin)
  }

  devread(mm: number, pin: number, index = 0): number {
    this.do(OP_DEVREAD, mm, pin, index)
    return this.m.lastDev
  }

  devwrite(mm: number, pin: number, index = 0): number {
    return this.do(OP_DEVWRITE, mm, pin, index)
  }

  swapout(mm: number, vpn: number, pages: number): void {
    this.do(OP_SWAPOUT, mm, vpn, pages)
  }

  drain(): void {
    this.do(OP_DRAIN, 0)
  }

  uffdWp(mm: number, vpn: number, pages: number, on: boolean): number {
    return this.do(OP_UFFD_WP, mm, vpn, pages, on ? 1 : 0)
  }

  clearRefs(mm: number): void {
    this.do(OP_CLEAR_REFS, mm, 4)
  }

  ksmWait(): void {
    this.do(OP_KSM_WAIT, 0)
  }

  migrate(mm: number, vpn: number, pages: number): void {
    this.do(OP_MIGRATE, mm, vpn, pages)
  }

  get(mm: number, vpn: number): number {
    return this.do(OP_GET, mm, vpn)
  }

  put(mm: number, vpn: number): number {
    return this.do(OP_PUT, mm, vpn)
  }

  poke(mm: number, vpn: number): number {
    return this.do(OP_POKE, mm, vpn)
  }

  storeSame(mm: number, content: number, ...vpns: readonly number[]): void {
    for (const vpn of vpns) this.do(OP_STORE_SAME, mm, vpn, content)
  }

  /** The oracle's counts. */
  get counts(): Readonly<Counts> {
    return this.oracle.counts
  }

  mm(id: number): Mm {
    return this.m.mm(id)
  }

  /** Frame of the page, -1 if it is not present. */
  pfn(mm: number, vpn: number): number {
    return this.#engine.frameOf(mm, vpn)
  }

  /** PAGE_* of the page. */
  kind(mm: number, vpn: number): number {
    return this.#engine.pageKind(mm, vpn)
  }

  pageCount(mm: number, vpn: number): number {
    return this.m.frames.pageCount(this.pfn(mm, vpn))
  }

  has(mm: number, vpn: number, flag: number): boolean {
    return this.m.frames.has(this.pfn(mm, vpn), flag)
  }

  entry(mm: number, vpn: number): Entry {
    const pte = this.m.tables.ptes[this.mm(mm).pteIndex(vpn)] as number
    return {
      present: (pte & PTE_PRESENT) !== 0,
      write: (pte & PTE_WRITE) !== 0,
      swap: (pte & PTE_SWAP) !== 0,
    }
  }

  /** Swap slot that the page's entry names. */
  slot(mm: number, vpn: number): number {
    const pte = this.m.tables.ptes[this.mm(mm).pteIndex(vpn)] as number
    return pte >>> 8
  }

  /** Faults, userfaults included, that `act` takes. */
  faults(act: () => void): number {
    const before = this.m.faults
    act()
    return this.m.faults - before
  }
}

export function range(start: number, pages: number): number[] {
  return Array.from({ length: pages }, (_, i) => start + i)
}

function policyNamed(name: string): PolicyDefinition {
  const found = POLICIES.find((policy) => policy.name === name)
  if (found === undefined) throw new RangeError(`unknown policy: ${name}`)
  return found
}
