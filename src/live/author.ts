/**
 * author: the lines that a random litmus test may go on with. It knows what is mapped, pinned and alive by now, and so
 * which operation makes sense when: tests are valid by construction.
 */
import { HPAGE_PMD_NR as TABLE_PAGES } from '../trace/hpage.ts'
import type { Rng } from '../trace/rng.ts'

const MOST_PROCESSES = 10
const MOST_PINS = 4
const MOST_AREAS = 3
/** How long areas are, by their kind. */
const PAGES: Readonly<Record<Area['kind'], readonly number[]>> = {
  '': [1, 2, 8, 8, 40, 40, 512, 600],
  thp: [512, 512, 513, 600, 1024, 1100],
  file: [1, 3, 8, 40, 600],
  shared: [1, 3, 8, 40, 512, 600, 1100],
}

/** What random tests may hold. */
export interface RandomOptions {
  /** What there is to swap out to. */
  readonly swap: 'none' | 'memory' | 'disk'
  /** Is there a device for the pins, and the pages to swap out, that no system call is for? */
  readonly device: boolean
  readonly ksm: boolean
  readonly uffdWp: boolean
  readonly thp: boolean
  readonly softDirty: boolean
  /** Does mremap move a range of several areas (6.17)? */
  readonly movesAreas: boolean
}

interface Area {
  readonly name: string
  readonly kind: '' | 'thp' | 'shared' | 'file'
  readonly mapped: boolean[]
  /** Pages that MADV_DONTFORK was told of. */
  readonly kept: boolean[]
  registered: boolean
  /** May it have become several by now? */
  parted: boolean
}

interface Process {
  readonly name: string
  areas: Area[]
}

/** Some pages of an area, as a line of a test has them. */
interface Range {
  readonly owner: Process
  readonly area: Area
  readonly first: number
  readonly last: number
  readonly text: string
}

interface Pin {
  readonly name: string
  readonly owner: Process
  readonly pages: number
  readonly kind: string
}

const HOLES = 'holes'

const PIN_KINDS = ['vmsplice', 'iouring']
const DEVICE_PIN_KINDS = ['odirect', 'dmapin', 'ropin']

/** Each method writes one line, or several that make sense together only; undefined where none makes sense now. */
export class Author {
  readonly rng: Rng
  readonly #options: RandomOptions
  readonly #processes: Process[] = []
  #pins: Pin[] = []
  /** Areas and pins that have a name by now, and processes, those that are gone included. */
  #named = 0
  #processCount = 0
  /** Has KSM been waited for? May there be huge folios, and such of shared memory? */
  #merged = false
  #huge = false
  #hugeShared = false

  constructor(rng: Rng, options: RandomOptions) {
    this.rng = rng
    this.#options = options
  }

  /** How every test begins. */
  begin(): string[] {
    return [`spawn ${this.#nextProcess().name}`, this.#map(this.#some(this.#processes), true)]
  }

  fork(): string | undefined {
    if (this.#processCount >= MOST_PROCESSES) return undefined
    const parent = this.#some(this.#processes)
    const child = this.#nextProcess()
    child.areas = parent.areas.map((area) => ({
      ...area,
      mapped: area.mapped.map((is, i) => is && area.kept[i] !== true),
      kept: area.kept.map(() => false),
      registered: false,
    }))
    child.areas = child.areas.filter(({ mapped }) => mapped.includes(true))
    return `fork ${parent.name} ${child.name}`
  }

  exit(): string | undefined {
    if (this.#processes.length < 2) return undefined
    const leaving = this.#some(this.#processes)
    this.#processes.splice(this.#processes.indexOf(leaving), 1)
    this.#pins = this.#pins.filter(({ owner }) => owner !== leaving)
    return `exit ${leaving.name}`
  }

  exec(): string | undefined {
    if (this.#processes.length < 2) return undefined
    const process = this.#some(this.#processes)
    process.areas = []
    this.#pins = this.#pins.filter(({ owner }) => owner !== process)
    return `exec ${process.name}`
  }

  mmap(): string | undefined {
    const process = this.#some(this.#processes)
    return process.areas.length < MOST_AREAS ? this.#map(process, false) : undefined
  }

  munmap(): string | undefined {
    const at = this.#range(HOLES)
    if (at === undefined) return undefined
    at.area.parted = true
    at.area.mapped.fill(false, at.first, at.last + 1)
    if (!at.area.mapped.includes(true)) at.owner.areas.splice(at.owner.areas.indexOf(at.area), 1)
    return `munmap ${at.text}`
  }

  /** What needs all of its pages mapped; `operand` may be empty. */
  onRange(verb: string, operand: string): string | undefined {
    const at = this.#range()
    return at && said(verb, at, operand)
  }

  /** What goes as far as memory is mapped, and fails there. */
  overHoles(verb: string, operand: string): string | undefined {
    const at = this.#range(HOLES)
    return at && said(verb, at, operand)
  }

  /** A huge mapping becomes one by entries, and everything else stays as it was. */
  mapByEntries(): string | undefined {
    const at = this.#range()
    if (at === undefined || !mayBeHuge(at.area) || at.first !== at.last) return undefined
    return `mprotect ${at.text} ro\nmprotect ${at.text} rw`
  }

  collapse(): string | undefined {
    if (!this.#options.thp) return undefined
    const odd = this.rng.chance(30)
    const at = this.#range(odd ? HOLES : undefined)
    // A private mapping of a file is left small.
    if (at === undefined || at.area.kind === 'file') return undefined
    if (at.area.kind === 'shared') this.#hugeShared = true
    this.#huge = true
    if (odd) return `madvise ${at.text} collapse`
    const table = Math.floor(at.first / TABLE_PAGES) * TABLE_PAGES
    if (at.area.mapped.length < table + TABLE_PAGES) return undefined
    if (at.area.mapped.slice(table, table + TABLE_PAGES).includes(false)) return undefined
    const { owner, area } = at
    return `madvise ${owner.name} ${area.name}[${table}..${table + TABLE_PAGES - 1}] collapse`
  }

  hugepage(): string | undefined {
    if (!this.#options.thp) return undefined
    const line = this.onRange('madvise', 'hugepage')
    if (line !== undefined) this.#huge = true
    return line
  }

  dontfork(): string | undefined {
    const at = this.#range(HOLES)
    if (at === undefined) return undefined
    at.area.kept.fill(true, at.first, at.last + 1)
    at.area.parted = true
    return `madvise ${at.text} dontfork`
  }

  mremap(): string | undefined {
    const at = this.#range()
    if (at === undefined) return undefined
    const { owner, area, first, last } = at
    // The kernel refuses to move what userfaultfd knows, if it has become more than one area by now.
    if (area.registered && first !== last) return undefined
    if (area.parted && first !== last && !this.#options.movesAreas) return undefined
    const name = this.#areaName()
    const kept = area.kept.slice(first, last + 1)
    owner.areas.push({ ...area, name, mapped: kept.map(() => true), kept, registered: false })
    area.mapped.fill(false, first, last + 1)
    area.parted = true
    if (!area.mapped.includes(true)) owner.areas.splice(owner.areas.indexOf(area), 1)
    return `mremap ${at.text} ${name}`
  }

  pin(): string | undefined {
    const at = this.#range()
    if (at === undefined || this.#pins.length >= MOST_PINS) return undefined
    const kinds = this.#options.device ? [...PIN_KINDS, ...DEVICE_PIN_KINDS] : PIN_KINDS
    const kind = this.rng.pick(kinds)
    const name = `P${++this.#named}`
    this.#pins.push({ name, owner: at.owner, pages: at.last - at.first + 1, kind })
    return `pin ${at.text} ${name} ${kind}`
  }

  unpin(): string | undefined {
    const pin = this.#pins[this.rng.below(Math.max(1, this.#pins.length))]
    if (pin === undefined) return undefined
    this.#pins = this.#pins.filter((other) => other !== pin)
    return `unpin ${pin.name}`
  }

  device(verb: 'devread' | 'devwrite'): string | undefined {
    const pin = this.#pins[this.rng.below(Math.max(1, this.#pins.length))]
    if (pin === undefined || (verb === 'devwrite' && isReadOnly(pin))) return undefined
    if (this.rng.chance(30)) return `${verb} ${pin.name}`
    return `${verb} ${pin.name}[${this.rng.below(pin.pages)}]`
  }

  uffdwp(): string | undefined {
    const at = this.#options.uffdWp ? this.#range() : undefined
    if (at === undefined || at.area.mapped.includes(false)) return undefined
    if (!at.area.registered && this.rng.chance(20)) return undefined
    const turn = at.area.registered ? this.rng.pick(['on', 'off']) : 'on'
    at.area.registered = true
    return `uffdwp ${at.text} ${turn}`
  }

  poke(): string | undefined {
    const at = this.#range()
    return at === undefined ? undefined : `poke ${at.owner.name} ${at.area.name}[${at.first}]`
  }

  swapout(): string | undefined {
    const { swap, device } = this.#options
    if (swap === 'none' || (swap === 'disk' && !device)) return undefined
    // No system call swaps out what a fork or KSM has shared, and the device only small pages.
    const isShared = this.#processCount > 1 || this.#merged
    if (isShared && (!device || this.#huge)) return undefined
    // Nor what it splits.
    return this.#hugeShared && !device ? undefined : this.onRange('swapout', '')
  }

  pageout(): string | undefined {
    return this.#options.swap === 'memory' ? this.overHoles('madvise', 'pageout') : undefined
  }

  clearRefs(): string {
    return `clearrefs ${this.#some(this.#processes).name} 4`
  }

  ksmwait(): string {
    this.#merged = true
    return 'ksmwait'
  }

  #nextProcess(): Process {
    const name = String.fromCharCode('A'.charCodeAt(0) + this.#processCount++)
    const process = { name, areas: [] }
    this.#processes.push(process)
    return process
  }

  #map(process: Process, first: boolean): string {
    const { rng } = this
    const huge = this.#options.thp && rng.chance(50)
    const odd = rng.chance(first ? 10 : 30)
    const kind = odd ? rng.pick(['shared', 'file'] as const) : huge ? 'thp' : ''
    const pages = rng.pick(PAGES[kind])
    if (kind === 'thp') this.#huge = true
    const name = this.#areaName()
    const flags = Array.from({ length: pages }, () => false)
    const mapped = flags.map(() => true)
    process.areas.push({ name, kind, mapped, kept: flags, registered: false, parted: false })
    return `mmap ${process.name} ${name} ${pages} ${kind}`.trim()
  }

  #areaName(): string {
    return `a${++this.#named}`
  }

  #some<T>(items: readonly T[]): T {
    return this.rng.pick(items)
  }

  /** Some pages of some area, all of them mapped unless there may be holes. */
  #range(holes?: typeof HOLES): Range | undefined {
    const { rng } = this
    const owner = this.#some(this.#processes)
    const area = owner.areas[rng.below(Math.max(1, owner.areas.length))]
    if (area === undefined) return undefined
    const pages = area.mapped.length
    const edges = [0, 1, 7, 255, 256, 511, 512, 513, pages - 1].filter((page) => page < pages)
    let first = rng.chance(80) ? rng.pick(edges) : rng.below(pages)
    let last = first
    const shape = rng.below(10)
    if (shape < 3) [first, last] = [0, pages - 1]
    else if (shape < 6) last = Math.min(pages - 1, first + rng.below(8))
    else if (shape < 7) last = Math.max(first, rng.pick(edges))
    const all = area.mapped.slice(first, last + 1)
    if (all.includes(false) && !(holes === HOLES && all.includes(true))) return undefined
    const whole = first === 0 && last === pages - 1
    const part = whole ? '' : first === last ? `[${first}]` : `[${first}..${last}]`
    return { owner, area, first, last, text: `${owner.name} ${area.name}${part}` }
  }
}

/** The line. What has an operand (a protection, an advice) may part the pages from the rest of their area. */
function said(verb: string, { area, text }: Range, operand: string): string {
  if (operand === '') return `${verb} ${text}`
  area.parted = true
  return `${verb} ${text} ${operand}`
}

function isReadOnly({ kind }: Pin): boolean {
  return kind === 'vmsplice' || kind === 'ropin'
}

function mayBeHuge({ kind, mapped }: Area): boolean {
  return kind === 'thp' || (kind === '' && mapped.length >= TABLE_PAGES)
}
