/** random-cow: random litmus tests: valid, short, and rich in what two models may understand differently. */
import { Rng } from '../../trace/rng.ts'

export interface Mix {
  /** Without them where the era has no userfaultfd write protection, or no soft-dirty bits. */
  readonly uffdWp: boolean
  readonly softDirty: boolean
  /** Without them where an era knew no huge folios. */
  readonly huge: boolean
}

interface Area {
  readonly pages: number
  readonly huge: boolean
  readonly kind: '' | 'file' | 'shared'
  readonly mapped: boolean[]
  dontFork: boolean
  /** Parts of it may be protected differently: then it is several areas to the kernel, which mremap refuses. */
  uneven: boolean
}

interface Proc {
  readonly name: string
  readonly areas: Map<string, Area>
}

interface LivePin {
  readonly name: string
  readonly owner: string
  readonly pages: number
  readonly write: boolean
}

const HUGE_PAGES = 512
const MOST_PROCESSES = 4
const NAMES = 'ABCDEFG'
const PIN_KINDS = ['vmsplice', 'iouring', 'odirect', 'dmapin', 'ropin'] as const

/** Operations and their weights. */
const VERBS = {
  write: 5,
  read: 2,
  fork: 2,
  exit: 1,
  exec: 1,
  munmap: 1,
  mprotect: 3,
  pin: 4,
  unpin: 1,
  devread: 2,
  devwrite: 1,
  swapout: 2,
  uffdwp: 2,
  clearrefs: 1,
  poke: 1,
  merge: 1,
  drain: 1,
  mremap: 1,
  dontneed: 1,
  free: 1,
  pageout: 1,
  collapse: 1,
  advise: 1,
  show: 1,
} as const

/** The text of a random test; the same for the same seed and mix. */
export function randomCow(seed: number, mix: Mix): string {
  return new Writer(new Rng(seed, 'random-cow'), mix).write()
}

class Writer {
  readonly #rng: Rng
  readonly #mix: Mix
  readonly #lines: string[] = []
  #procs: Proc[] = []
  #pins: LivePin[] = []
  #names = 0
  #pinNames = 0
  #areaNames = 0

  constructor(rng: Rng, mix: Mix) {
    this.#rng = rng
    this.#mix = mix
  }

  write(): string {
    const first: Proc = { name: this.#nextName(), areas: new Map() }
    this.#procs.push(first)
    this.#lines.push(`spawn ${first.name}`)
    this.#mmap(first)
    if (this.#rng.chance(30)) this.#mmap(first)
    const verbs = Object.keys(VERBS) as (keyof typeof VERBS)[]
    const steps = 6 + this.#rng.below(this.#rng.chance(30) ? 40 : 16)
    for (let i = 0; i < steps; i++) {
      const proc = this.#any(this.#procs)
      const names = [...proc.areas.keys()]
      const verb = verbs[this.#rng.weighted(Object.values(VERBS))]
      if (verb === undefined || names.length === 0) continue
      this.#step(verb, proc, this.#any(names))
    }
    this.#lookAtEverything()
    return `${this.#lines.join('\n')}\n`
  }

  #step(verb: keyof typeof VERBS, proc: Proc, name: string): void {
    const area = proc.areas.get(name)
    if (area === undefined) return
    const at = `${proc.name} ${name}`
    const wide = this.#range(area, true)
    const near = this.#range(area, false)
    switch (verb) {
      case 'write':
      case 'read':
        if (near) this.#lines.push(`${verb} ${at}${text(near)}`)
        return
      case 'poke':
        if (near) this.#lines.push(`poke ${at}[${near.first}]`)
        return
      case 'fork':
        this.#fork(proc)
        return
      case 'exit':
      case 'exec':
        this.#leave(verb, proc)
        return
      case 'munmap':
        if (wide && this.#rng.chance(50)) this.#munmap(proc, name, area, wide)
        return
      case 'mremap':
        if (wide && !area.uneven && this.#rng.chance(50)) this.#mremap(proc, name, area, wide)
        return
      case 'mprotect':
        if (wide) this.#mprotect(at, area, wide)
        return
      case 'pin':
        if (near && near.last - near.first < 8) this.#pin(proc, name, near)
        return
      case 'unpin':
      case 'devread':
      case 'devwrite':
        this.#device(verb)
        return
      case 'uffdwp':
        if (!wide || !this.#mix.uffdWp || !area.mapped.every(Boolean)) return
        this.#lines.push(`uffdwp ${at}${text(wide)} ${this.#rng.chance(60) ? 'on' : 'off'}`)
        return
      case 'clearrefs':
        if (this.#mix.softDirty) this.#lines.push(`clearrefs ${proc.name} 4`)
        return
      case 'drain':
        this.#lines.push('drain')
        return
      case 'merge':
        if (!area.mapped.every(Boolean) || area.pages < 4) return
        this.#lines.push(`writesame ${at}[0..3]`, `madvise ${at} mergeable`, 'ksmwait')
        return
      case 'advise':
        this.#advise(at, area)
        return
      case 'swapout':
      case 'show':
        if (wide) this.#lines.push(`${verb} ${at}${text(wide)}`)
        return
      default:
        if (wide) this.#lines.push(`madvise ${at}${text(wide)} ${verb}`)
    }
  }

  #mmap(proc: Proc): void {
    const huge = this.#mix.huge && this.#rng.chance(35)
    const kind = huge || this.#rng.chance(75) ? '' : this.#any(['file', 'shared'] as const)
    // 20 pages cross the limit of an LRU batch, 15.
    const pages = huge ? HUGE_PAGES : this.#any([1, 4, 8, 20])
    const name = this.#nextArea()
    proc.areas.set(name, {
      pages,
      huge,
      kind,
      mapped: Array(pages).fill(true),
      dontFork: false,
      uneven: false,
    })
    this.#lines.push(`mmap ${proc.name} ${name} ${pages} ${huge ? 'thp' : kind}`.trimEnd())
    if (this.#rng.chance(85)) this.#lines.push(`write ${proc.name} ${name}[0..${pages - 1}]`)
  }

  #fork(proc: Proc): void {
    if (this.#procs.length >= MOST_PROCESSES || this.#names >= NAMES.length) return
    const child: Proc = { name: this.#nextName(), areas: new Map() }
    for (const [name, area] of proc.areas) {
      if (!area.dontFork) child.areas.set(name, { ...area, mapped: [...area.mapped] })
    }
    this.#procs.push(child)
    this.#lines.push(`fork ${proc.name} ${child.name}`)
  }

  #leave(verb: 'exit' | 'exec', proc: Proc): void {
    if (this.#procs.length < 2 || (verb === 'exec' && this.#rng.chance(60))) return
    this.#lines.push(`${verb} ${proc.name}`)
    this.#pins = this.#pins.filter((pin) => pin.owner !== proc.name)
    if (verb === 'exit') this.#procs = this.#procs.filter((other) => other !== proc)
    else proc.areas.clear()
  }

  #munmap(proc: Proc, name: string, area: Area, range: Range): void {
    this.#lines.push(`munmap ${proc.name} ${name}${text(range)}`)
    this.#gone(proc, name, area, range)
  }

  #mremap(proc: Proc, name: string, area: Area, range: Range): void {
    const to = this.#nextArea()
    const pages = range.last - range.first + 1
    this.#lines.push(`mremap ${proc.name} ${name}${text(range)} ${to}`)
    proc.areas.set(to, { ...area, pages, mapped: Array(pages).fill(true) })
    this.#gone(proc, name, area, range)
  }

  #gone(proc: Proc, name: string, area: Area, range: Range): void {
    area.mapped.fill(false, range.first, range.last + 1)
    if (!area.mapped.some(Boolean)) proc.areas.delete(name)
  }

  #mprotect(at: string, area: Area, range: Range): void {
    this.#lines.push(`mprotect ${at}${text(range)} ro`)
    if (this.#rng.chance(70)) this.#lines.push(`mprotect ${at}${text(range)} rw`)
    else if (range.last - range.first + 1 < area.pages) area.uneven = true
  }

  #pin(proc: Proc, area: string, range: Range): void {
    const kind = this.#any(PIN_KINDS)
    const name = `P${++this.#pinNames}`
    const write = kind !== 'vmsplice' && kind !== 'ropin'
    this.#lines.push(`pin ${proc.name} ${area}${text(range)} ${name} ${kind}`)
    this.#pins.push({ name, owner: proc.name, pages: range.last - range.first + 1, write })
  }

  #device(verb: 'unpin' | 'devread' | 'devwrite'): void {
    const able = verb === 'devwrite' ? this.#pins.filter((pin) => pin.write) : this.#pins
    if (able.length === 0) return
    const pin = this.#any(able)
    if (verb === 'unpin') {
      this.#lines.push(`unpin ${pin.name}`)
      this.#pins = this.#pins.filter((other) => other !== pin)
    } else {
      this.#lines.push(`${verb} ${pin.name}[${this.#rng.below(pin.pages)}]`)
    }
  }

  #advise(at: string, area: Area): void {
    if (!area.mapped.every(Boolean)) return
    const advice = this.#any(['hugepage', 'nohugepage', 'dontfork'] as const)
    if (advice === 'dontfork') area.dontFork = true
    this.#lines.push(`madvise ${at} ${advice}`)
  }

  /** Loads and stores at the end show what went wrong unseen. */
  #lookAtEverything(): void {
    for (const proc of this.#procs) {
      for (const [name, area] of proc.areas) {
        if (!area.mapped.every(Boolean)) continue
        this.#lines.push(`read ${proc.name} ${name}[0..${Math.min(7, area.pages - 1)}]`)
        this.#lines.push(`write ${proc.name} ${name}[0..${Math.min(3, area.pages - 1)}]`)
      }
    }
  }

  #range(area: Area, wide: boolean): Range | null {
    const last = area.pages - 1
    let range: Range
    if (area.huge && area.pages > 64) {
      const edges = [0, 1, 2, 5, 100, 255, 256, 511]
      const first = Math.min(last, this.#any(edges))
      const choices: Range[] = [
        { first: 0, last },
        { first, last: first },
        { first, last: Math.min(last, first + this.#any([1, 3, 7])) },
        { first: 256 <= last ? 256 : 0, last },
        { first: 0, last: Math.min(last, 255) },
      ]
      range = this.#any(wide ? choices : choices.slice(0, 3))
    } else {
      const first = this.#rng.below(area.pages)
      const near = { first, last: Math.min(last, first + this.#rng.below(4)) }
      range = this.#rng.chance(25) ? { first: 0, last } : near
    }
    const whole = area.mapped.slice(range.first, range.last + 1).every(Boolean)
    return whole ? range : null
  }

  #any<T>(choices: readonly T[]): T {
    return choices[this.#rng.below(choices.length)] as T
  }

  #nextName(): string {
    return NAMES.charAt(this.#names++)
  }

  #nextArea(): string {
    return `area${this.#areaNames++}`
  }
}

interface Range {
  readonly first: number
  readonly last: number
}

function text({ first, last }: Range): string {
  return first === last ? `[${first}]` : `[${first}..${last}]`
}
