/**
 * mixed: weighted random operations, all valid, over several related processes.
 *
 * Models  No program: everything that the other workloads do one at a time, in random order. Programs are assumed to
 *         obey open(2), which forbids O_DIRECT across fork.
 * Asks    Is there any order of events in which a policy breaks a promise?
 * Expect  clairvoyant, mm-id, order0-copy, table-scan and anon-exclusive break none; before 6.2
 *         (longtermUnsharesFile=no) anon-exclusive loses the zero page under a read-only pin (I-19 of
 *         workloads/litmus/failures). Without pins (pin=0) mapcount leaks through swap, and tables that are shared
 *         unaccounted lose track of swap entries (on-demand-fork) or of the table itself (cow-pte-owner); the others
 *         break none.
 */
import {
  AddressSpace,
  type Buffer,
  defineWorkload,
  exchange,
  HPAGE_PMD_NR,
  int,
  loadAll,
  MADV_COLLAPSE,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_MERGEABLE,
  MADV_PAGEOUT,
  MAP_PRIVATE_ANON,
  MAP_PRIVATE_FILE,
  MAP_SHARED,
  Mappings,
  PAGE_DONTFORK,
  PAGE_READ,
  PAGE_UFFD_WP,
  PAGE_WRITE,
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_ODIRECT,
  PIN_ROPIN,
  PIN_VMSPLICE,
  PROT_READ,
  PROT_RW,
  pinBuffer,
  type Rng,
  type Run,
  storeAll,
  type TraceWriter,
  type Zipf,
} from '../src/workload/api.ts'

const BURST = 32
const MOST_PINS = 8
const KINDS = [PIN_VMSPLICE, PIN_ROPIN, PIN_ODIRECT, PIN_IOURING, PIN_DMAPIN]
const FILE_PAGES = 64
const FILE_OBJECT = 1
const SHARED_OBJECT = 2

interface Process {
  readonly mm: number
  /** Of the private areas. */
  mappings: Mappings
  buffers: (Buffer & { readonly kind: number })[]
}

const weight = (value: number, what: string) =>
  int(value, 0, 10_000, `weight of ${what}; a burst of accesses weighs 1000`)

const params = {
  operations: int(16_000, 1, 1 << 24, 'operations; one is an event or a few'),
  areas: int(4, 1, 64, 'private areas of 2 MiB'),
  processes: int(6, 1, 64, 'most processes alive at once'),
  theta: int(80, 0, 300, 'skew of the accesses: zipf exponent in hundredths'),
  order: int(0, 0, 9, 'folio order of the private areas: 0 is 4 KiB, 9 is 2 MiB'),
  fork: weight(40, 'fork, or exit where there are too many processes'),
  exec: weight(4, 'exec'),
  map: weight(20, 'munmap, mmap, MADV_DONTNEED and MADV_DONTFORK'),
  protect: weight(60, 'mprotect'),
  pin: weight(120, 'pin, device access and unpin'),
  swap: weight(60, 'swap-out and MADV_PAGEOUT'),
  background: weight(40, 'LRU drain, speculative references, migration and ptrace'),
  huge: weight(0, 'folio split and mremap'),
  collapse: weight(0, 'MADV_COLLAPSE'),
  ksm: weight(0, 'KSM merging'),
  softDirty: weight(0, 'clear_refs'),
  uffd: weight(0, 'userfaultfd write-protection'),
}

export default defineWorkload({
  name: 'mixed',
  summary: 'random valid operations over several processes',
  params,
  needs: (p) => [
    (p.order > 0 || p.collapse > 0) && 'thp',
    p.collapse > 0 && 'collapse',
    p.swap > 0 && 'swap',
    p.ksm > 0 && 'ksm',
    p.softDirty > 0 && 'soft-dirty',
    p.uffd > 0 && 'uffd-wp',
  ],

  generate(t, rng, p) {
    const world = new World(t, rng, p.areas, p.order, p.theta)
    const operations: readonly (readonly [number, (process: Process) => void])[] = [
      [1000, (process) => world.access(process)],
      [p.fork, (process) => world.fork(process, p.processes)],
      [p.exec, (process) => world.exec(process)],
      [p.map, (process) => world.map(process)],
      [p.protect, (process) => world.protect(process)],
      [p.pin, (process) => world.pin(process)],
      [p.swap, (process) => world.swap(process)],
      [p.background, (process) => world.kernel(process)],
      [p.huge, (process) => world.huge(process)],
      [p.collapse, (process) => world.collapse(process)],
      [p.ksm, (process) => world.ksm(process)],
      [p.softDirty, (process) => t.clearRefs(process.mm, 4)],
      [p.uffd, (process) => world.uffd(process)],
    ]
    const weights = operations.map(([weight]) => weight)
    for (let i = 0; i < p.operations; i++)
      operations[rng.weighted(weights)]?.[1](world.anyProcess())
    world.end()
  },
})

class World {
  readonly #t: TraceWriter
  readonly #rng: Rng
  readonly #areas: number[]
  readonly #order: number
  readonly #file: number
  readonly #shared: number
  readonly #heat: Zipf
  #alive: Process[]

  constructor(t: TraceWriter, rng: Rng, areas: number, order: number, theta: number) {
    this.#t = t
    this.#rng = rng
    this.#order = order
    const space = new AddressSpace()
    // The private areas come first: Mappings knows their pages by page number.
    this.#areas = Array.from({ length: areas }, () => space.area(HPAGE_PMD_NR))
    this.#file = space.area(FILE_PAGES)
    this.#shared = space.area(FILE_PAGES)
    const pages = HPAGE_PMD_NR * areas
    this.#heat = rng.zipf(pages, theta, rng.permutation(pages))

    const first = { mm: t.spawn(), mappings: new Mappings(new Uint8Array(pages)), buffers: [] }
    this.#alive = [first]
    this.#populate(first)
  }

  anyProcess(): Process {
    return this.#rng.pick(this.#alive)
  }

  access({ mm, mappings }: Process): void {
    for (let i = this.#rng.below(BURST); i >= 0; i--) {
      const vpn = this.#heat.next()
      if (mappings.has(vpn, PAGE_WRITE) && this.#rng.chance(50)) this.#t.store(mm, vpn)
      else if (mappings.has(vpn, PAGE_READ)) this.#t.load(mm, vpn)
    }
    const other = this.#rng.pick([this.#file, this.#shared]) + this.#rng.below(FILE_PAGES)
    if (this.#rng.chance(50)) this.#t.store(mm, other)
    this.#t.load(mm, other)
  }

  fork(parent: Process, most: number): void {
    if (this.#alive.length >= most) {
      if (most > 1) this.#exit(parent)
      return
    }
    for (const { pin, kind } of parent.buffers)
      if (kind === PIN_ODIRECT) this.#t.unpin(parent.mm, pin)
    parent.buffers = parent.buffers.filter(({ kind }) => kind !== PIN_ODIRECT)

    const mm = this.#t.fork(parent.mm)
    this.#alive.push({ mm, mappings: parent.mappings.forked(), buffers: [] })
  }

  exec(process: Process): void {
    this.#t.exec(process.mm)
    process.mappings = new Mappings(new Uint8Array(process.mappings.length))
    process.buffers = []
    this.#populate(process)
  }

  map(process: Process): void {
    const { mm, mappings } = process
    const way = this.#rng.below(4)
    if (way === 0) {
      const area = this.#rng.pick(this.#areas)
      this.#unmap(process, area)
      this.#mmap(process, area)
      return
    }
    const run = this.#run(process, PAGE_READ, 0, 64)
    if (!run) return
    if (way === 1) {
      this.#t.munmap(mm, run.vpn, run.pages)
      mappings.set(run, 0)
    } else if (way === 2) {
      this.#t.madvise(mm, run.vpn, run.pages, MADV_DONTNEED)
    } else {
      this.#t.madvise(mm, run.vpn, run.pages, MADV_DONTFORK)
      mappings.change(run, PAGE_DONTFORK, 0)
    }
  }

  protect(process: Process): void {
    const down = this.#rng.chance(50)
    const run = down
      ? this.#run(process, PAGE_READ | PAGE_WRITE, 0, 64)
      : this.#run(process, PAGE_READ, PAGE_WRITE, HPAGE_PMD_NR)
    if (!run) return
    this.#t.mprotect(process.mm, run.vpn, run.pages, down ? PROT_READ : PROT_RW)
    process.mappings.change(run, down ? 0 : PAGE_WRITE, down ? PAGE_WRITE : 0)
  }

  pin(process: Process): void {
    const { mm, buffers } = process
    if (buffers.length === MOST_PINS || (buffers.length > 0 && this.#rng.chance(20))) {
      const done = this.#rng.pick(buffers)
      this.#t.unpin(mm, done.pin)
      process.buffers = buffers.filter((buffer) => buffer !== done)
    } else if (buffers.length > 0 && this.#rng.chance(60)) {
      this.#use(process, this.#rng.pick(buffers))
    } else {
      const kind = this.#rng.pick(KINDS)
      const readOnly = kind === PIN_VMSPLICE || kind === PIN_ROPIN
      // The manager of a userfaultfd serves user stores only: a pin that needs one of those pages would fail.
      const wanted = readOnly ? PAGE_READ : PAGE_READ | PAGE_WRITE
      const run = this.#run(process, wanted, PAGE_UFFD_WP, 8)
      if (run) buffers.push({ ...pinBuffer(this.#t, mm, run.vpn, run.pages, kind), kind })
    }
  }

  swap(process: Process): void {
    const run = this.#run(process, PAGE_READ, 0, 64)
    if (!run) return
    if (this.#rng.chance(75)) this.#t.swapout(process.mm, run.vpn, run.pages)
    else this.#t.madvise(process.mm, run.vpn, run.pages, MADV_PAGEOUT)
  }

  kernel(process: Process): void {
    const { mm } = process
    const way = this.#rng.below(4)
    const run = this.#run(process, way === 0 ? PAGE_WRITE : PAGE_READ, PAGE_UFFD_WP, 16)
    if (!run) return
    if (way === 0) {
      this.#t.load(mm, run.vpn)
      this.#t.get(mm, run.vpn)
      this.#t.store(mm, run.vpn)
      this.#t.put(mm, run.vpn)
    } else if (way === 1) this.#t.migrate(mm, run.vpn, run.pages)
    else if (way === 2) this.#t.poke(mm, run.vpn)
    else this.#t.drain()
  }

  huge(process: Process): void {
    const { mm, mappings, buffers } = process
    const area = this.#rng.pick(this.#areas)
    if (this.#rng.chance(50)) {
      if (!mappings.has(area, PAGE_READ)) return
      this.#t.load(mm, area)
      this.#t.folioSplit(mm, area)
      return
    }
    // A pin is used by the address that it was taken at, so what may be pinned stays where it is.
    const run = this.#run(process, PAGE_READ, PAGE_DONTFORK | PAGE_UFFD_WP, HPAGE_PMD_NR)
    if (!run || buffers.length > 0 || areaOf(run.vpn) === area) return
    this.#unmap(process, area)
    this.#t.mremap(mm, run.vpn, run.pages, area)
    mappings.move(run, area)
  }

  collapse({ mm, mappings }: Process): void {
    const area = this.#rng.pick(this.#areas)
    const { pages } = mappings.run(area, PAGE_WRITE, PAGE_UFFD_WP, HPAGE_PMD_NR)
    if (pages === HPAGE_PMD_NR) this.#t.madvise(mm, area, HPAGE_PMD_NR, MADV_COLLAPSE)
  }

  ksm(process: Process): void {
    const run = this.#run(process, PAGE_WRITE, 0, 64)
    if (!run) return
    this.#t.madvise(process.mm, run.vpn, run.pages, MADV_MERGEABLE)
    const pages = Array.from({ length: run.pages }, (_, i) => run.vpn + i)
    this.#t.storeSame(process.mm, pages)
    this.#t.ksmWait()
  }

  uffd(process: Process): void {
    const on = this.#rng.chance(50)
    const run = this.#run(process, on ? PAGE_WRITE : PAGE_UFFD_WP, 0, 64)
    if (!run) return
    this.#t.uffdWp(process.mm, run.vpn, run.pages, on)
    process.mappings.change(run, on ? PAGE_UFFD_WP : 0, on ? 0 : PAGE_UFFD_WP)
  }

  end(): void {
    for (const process of this.#alive) this.#exit(process)
  }

  #exit(process: Process): void {
    // The others are dropped by exit itself.
    for (const { pin } of process.buffers) if (this.#rng.chance(50)) this.#t.unpin(process.mm, pin)
    this.#t.exit(process.mm)
    this.#alive = this.#alive.filter((other) => other !== process)
  }

  #populate(process: Process): void {
    const { mm } = process
    for (const area of this.#areas) this.#mmap(process, area)
    this.#t.mmap(mm, this.#file, FILE_PAGES, MAP_PRIVATE_FILE, PROT_RW, 0, FILE_OBJECT)
    this.#t.mmap(mm, this.#shared, FILE_PAGES, MAP_SHARED, PROT_RW, 0, SHARED_OBJECT)
    for (const area of this.#areas) storeAll(this.#t, mm, area, HPAGE_PMD_NR / 4)
  }

  #mmap(process: Process, vpn: number): void {
    this.#t.mmap(process.mm, vpn, HPAGE_PMD_NR, MAP_PRIVATE_ANON, PROT_RW, this.#order)
    process.mappings.set({ vpn, pages: HPAGE_PMD_NR }, PAGE_READ | PAGE_WRITE)
  }

  #unmap({ mm, mappings }: Process, area: number): void {
    for (const run of mappings.mapped(area)) this.#t.munmap(mm, run.vpn, run.pages)
    mappings.set({ vpn: area, pages: HPAGE_PMD_NR }, 0)
  }

  /** What a device does with a buffer, as far as its owner still has it mapped. */
  #use({ mm, mappings }: Process, buffer: Buffer): void {
    const { vpn, pages, pin } = buffer
    const writable = mappings.run(vpn, PAGE_WRITE, PAGE_UFFD_WP, pages).pages === pages
    if (writable) exchange(this.#t, mm, buffer)
    else for (let i = 0; i < pages; i++) this.#t.devread(mm, pin, i)
    const readable = mappings.run(vpn, PAGE_READ, 0, pages)
    loadAll(this.#t, mm, readable.vpn, readable.pages)
  }

  /** Up to `most` neighbouring pages that have all bits of `has` and none of `not`, if a few looks find some. */
  #run({ mappings }: Process, has: number, not: number, most: number): Run | undefined {
    for (let look = 0; look < 8; look++) {
      const vpn = this.#rng.below(mappings.length)
      const run = mappings.run(vpn, has, not, 1 + this.#rng.below(most))
      if (run.pages > 0) return run
    }
    return undefined
  }
}

const areaOf = (vpn: number): number => vpn - (vpn % HPAGE_PMD_NR)
