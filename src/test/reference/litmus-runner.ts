/** litmus-runner: executes a .cow test in the reference model and says what a driver with real processes would see. */
import { deviceRead, deviceWrite, load, poke, store } from './access.ts'
import { joinOutcomes, type Operation, parseCow, parseRange } from './cow-language.ts'
import { ADVICE, codeOf, PIN_KINDS } from './cow-trace.ts'
import { fork } from './fork.ts'
import { dropPin, takePin } from './gup.ts'
import { madvise } from './madvise.ts'
import { ksmWait } from './merge.ts'
import { type Process, TABLE_PAGES } from './nouns.ts'
import { clearSoftDirty, mprotect, uffdWriteProtect } from './protect.ts'
import { addArea, spawn } from './spawn.ts'
import { presence, swapOut } from './swap.ts'
import { exec, exit, mremap, munmap } from './unmap.ts'
import { type Pin, type Setting, World } from './world.ts'

export interface Outcome {
  readonly n: number
  readonly op: string
  readonly outcome: string
  readonly flags: readonly string[]
  /** Per page, whether it faulted and what it allocated: what a blind measurement sees. */
  readonly blind: string
}

interface Named {
  readonly base: number
  readonly pages: number
}

export interface LitmusSetting extends Setting {
  /** Empty the LRU batches before every operation. */
  readonly drained?: boolean
  /** Pad mappings to whole page tables and fill them with the zero page, as the 2021 prototype was measured. */
  readonly padded?: boolean
}

/** Runs a test. Outcomes are per operation, in order. */
export function runCow(text: string, setting: LitmusSetting): Outcome[] {
  const run = new LitmusRun(setting)
  return parseCow(text).map((operation) => run.step(operation))
}

class LitmusRun {
  readonly #world: World
  readonly #drained: boolean
  readonly #padded: boolean
  readonly #names = new Map<string, number>()
  /** Areas by process and name: mremap moves a name for one process only. */
  readonly #areas = new Map<string, Named>()
  readonly #pins = new Map<string, Pin | 'gone'>()
  #processes = 0
  #nextBase = TABLE_PAGES
  #token = 0
  #pinIds = 0
  #flags = new Set<string>()
  #blind: string | null = null

  constructor(setting: LitmusSetting) {
    this.#world = new World(setting)
    this.#drained = setting.drained ?? false
    this.#padded = setting.padded ?? false
  }

  step(operation: Operation): Outcome {
    if (this.#drained) this.#world.drain()
    this.#flags = new Set()
    this.#blind = null
    const outcome = this.#execute(operation)
    return {
      n: operation.n,
      op: operation.text,
      outcome,
      flags: [...this.#flags].sort(),
      blind: this.#blind ?? outcome,
    }
  }

  #execute({ verb, words }: Operation): string {
    const w = this.#world
    switch (verb) {
      case 'spawn':
        this.#names.set(words[0] ?? '', ++this.#processes)
        spawn(w, this.#processes)
        return 'ok'
      case 'mmap':
        return this.#mmap(words)
      case 'write':
        return this.#each(words, () => ++this.#token)
      case 'writesame': {
        const token = ++this.#token
        return this.#each(words, () => token)
      }
      case 'poke':
        return poke(w, this.#process(words[0]), this.#range(words).start, ++this.#token)
      case 'read':
        return this.#read(words)
      case 'fork':
        return this.#fork(words)
      case 'exit':
        exit(w, this.#process(words[0]))
        return 'ok'
      case 'exec':
        exec(w, this.#process(words[0]))
        return 'ok'
      case 'drain':
        w.drain()
        return 'ok'
      case 'ksmwait':
        ksmWait(w)
        return 'ok'
      case 'clearrefs':
        clearSoftDirty(w, this.#process(words[0]))
        return 'ok'
      case 'unpin': {
        const pin = this.#pins.get(words[0] ?? '')
        if (pin !== undefined && pin !== 'gone') dropPin(w, pin)
        this.#pins.set(words[0] ?? '', 'gone')
        return 'ok'
      }
      case 'devread':
      case 'devwrite':
        return this.#device(verb, words[0])
      default:
        return this.#onRange(verb, words)
    }
  }

  #onRange(verb: string, words: readonly string[]): string {
    const w = this.#world
    const process = this.#process(words[0])
    const { start, end } = this.#range(words)
    switch (verb) {
      case 'munmap':
        munmap(w, process, start, end)
        return 'ok'
      case 'mprotect':
        return mprotect(w, process, start, end, { read: true, write: words[2] === 'rw' })
      case 'madvise':
        return madvise(w, process, start, end, codeOf(ADVICE, words[2]))
      case 'swapout':
        swapOut(w, process, start, end)
        return presence(process, start, end)
      case 'show':
        return presence(process, start, end)
      case 'uffdwp':
        return uffdWriteProtect(w, process, start, end, words[2] === 'on') ? 'ok' : 'error'
      case 'mremap':
        return this.#mremap(words)
      case 'pin':
        return this.#pin(process, start, end, words)
      default:
        throw new RangeError(`unknown operation: ${verb}`)
    }
  }

  #mmap(words: readonly string[]): string {
    const [who, name, count, kind = 'private'] = words
    const w = this.#world
    const process = this.#process(who)
    const pages = Number(count)
    const base = this.#newBase(pages)
    this.#areas.set(`${process.id}:${name}`, { base, pages })
    addArea(w, process, {
      start: base,
      end: base + (this.#padded ? Math.ceil(pages / TABLE_PAGES) * TABLE_PAGES : pages),
      kind: kind === 'file' ? 'file' : kind === 'shared' || kind === 'shmem' ? 'shared' : 'anon',
      object: base,
      folioOrder: kind === 'thp' ? 9 : 0,
      read: true,
      write: true,
    })
    if (this.#padded) this.#prefill(process, base, pages)
    return 'ok'
  }

  #prefill(process: Process, base: number, pages: number): void {
    for (const area of process.areas)
      if (area.start <= base && base < area.end) area.advice = 'never'
    for (let vpn = base; vpn < base + pages; vpn++) load(this.#world, process, vpn)
  }

  #newBase(pages: number): number {
    const base = this.#nextBase
    this.#nextBase += Math.ceil(pages / TABLE_PAGES) * TABLE_PAGES
    return base
  }

  #each(words: readonly string[], nextToken: () => number): string {
    const process = this.#process(words[0])
    const { start, end, base } = this.#range(words)
    const pages: { page: number; outcome: string }[] = []
    const blind: { page: number; outcome: string }[] = []
    for (let vpn = start; vpn < end; vpn++) {
      const done = store(this.#world, process, vpn, nextToken())
      pages.push({ page: vpn - base, outcome: done.word })
      blind.push({ page: vpn - base, outcome: blindWord(done.word, done.faults, done.allocations) })
    }
    this.#blind = joinOutcomes(blind)
    return joinOutcomes(pages)
  }

  #read(words: readonly string[]): string {
    const process = this.#process(words[0])
    const { start, end, base } = this.#range(words)
    const pages: { page: number; outcome: string }[] = []
    const blind: { page: number; outcome: string }[] = []
    for (let vpn = start; vpn < end; vpn++) {
      const done = load(this.#world, process, vpn)
      if (done.mismatch) this.#flags.add('mismatch')
      if (done.leak) this.#flags.add('leak')
      pages.push({ page: vpn - base, outcome: done.word })
      blind.push({ page: vpn - base, outcome: blindWord(done.word, done.faults, done.allocations) })
    }
    this.#blind = joinOutcomes(blind)
    return joinOutcomes(pages)
  }

  #fork(words: readonly string[]): string {
    const parent = this.#process(words[0])
    const id = ++this.#processes
    this.#names.set(words[1] ?? '', id)
    for (const [key, area] of [...this.#areas]) {
      const [owner, name] = key.split(':')
      if (Number(owner) === parent.id) this.#areas.set(`${id}:${name}`, area)
    }
    fork(this.#world, parent, id)
    return 'ok'
  }

  #mremap(words: readonly string[]): string {
    const process = this.#process(words[0])
    const { start, end } = this.#range(words)
    const base = this.#newBase(end - start)
    this.#areas.set(`${process.id}:${words[2]}`, { base, pages: end - start })
    return mremap(this.#world, process, start, end, base)
  }

  #pin(process: Process, start: number, end: number, words: readonly string[]): string {
    const kind = codeOf(PIN_KINDS, words[3])
    const id = ++this.#pinIds
    const outcome = takePin(this.#world, process, id, { start, pages: end - start }, kind)
    this.#pins.set(words[2] ?? '', this.#world.pins.get(id) ?? 'gone')
    return outcome
  }

  #device(verb: 'devread' | 'devwrite', word: string | undefined): string {
    const { area: name, first, last } = parseRange(word)
    const pin = this.#pins.get(name)
    if (pin === undefined || pin === 'gone' || !this.#world.pins.has(pin.id)) return 'error'
    const from = first ?? 0
    const to = last ?? pin.pages.length - 1
    const pages: { page: number; outcome: string }[] = []
    for (let index = from; index <= to; index++) {
      if (verb === 'devwrite') deviceWrite(this.#world, pin, index, ++this.#token)
      else pages.push({ page: index, outcome: deviceRead(this.#world, pin, index) })
    }
    if (verb === 'devwrite') return 'ok'
    return from === to ? (pages[0]?.outcome ?? '') : joinOutcomes(pages)
  }

  #process(name: string | undefined): Process {
    return this.#world.process(this.#names.get(name ?? '') ?? 0)
  }

  #range(words: readonly string[]): { start: number; end: number; base: number } {
    const { area: name, first, last } = parseRange(words[1])
    const area = this.#areas.get(`${this.#process(words[0]).id}:${name}`)
    if (area === undefined) throw new RangeError(`unknown area: ${name}`)
    const { base, pages } = area
    return { base, start: base + (first ?? 0), end: base + (last ?? pages - 1) + 1 }
  }
}

/** What counters alone tell of an access: `fault_aN`, a fault with N allocations. */
function blindWord(word: string, faults: number, allocations: number): string {
  if (word === 'segv') return word
  if (faults === 0) return 'nofault'
  return allocations >= 2 ? 'fault_a2+' : `fault_a${allocations}`
}
