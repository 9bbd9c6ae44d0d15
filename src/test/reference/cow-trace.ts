/** cow-trace: a litmus test as a trace, each area on 2 MiB of its own, so that whole runs can be compared as well. */
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
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_ODIRECT,
  PIN_ROPIN,
  PIN_VMSPLICE,
  PROT_READ,
  PROT_WRITE,
} from '../../trace/ops.ts'
import { type Trace, TraceWriter } from '../../trace/trace.ts'
import { type Operation, parseCow, parseRange } from './cow-language.ts'
import { TABLE_PAGES } from './nouns.ts'

export const PIN_KINDS: Readonly<Record<string, number>> = {
  vmsplice: PIN_VMSPLICE,
  iouring: PIN_IOURING,
  odirect: PIN_ODIRECT,
  dmapin: PIN_DMAPIN,
  ropin: PIN_ROPIN,
}

export const ADVICE: Readonly<Record<string, number>> = {
  dontneed: MADV_DONTNEED,
  free: MADV_FREE,
  pageout: MADV_PAGEOUT,
  collapse: MADV_COLLAPSE,
  hugepage: MADV_HUGEPAGE,
  nohugepage: MADV_NOHUGEPAGE,
  mergeable: MADV_MERGEABLE,
  dontfork: MADV_DONTFORK,
}

/** The code of a word; throws where there is none. */
export function codeOf(codes: Readonly<Record<string, number>>, word: string | undefined): number {
  const code = codes[word ?? '']
  if (code === undefined) throw new RangeError(`unknown word: ${word}`)
  return code
}

/** Anonymous areas only. */
export function cowTrace(text: string): Trace {
  const writer = new CowTraceWriter()
  for (const operation of parseCow(text)) writer.add(operation)
  return writer.trace.finish()
}

interface Place {
  readonly base: number
  readonly pages: number
}

class CowTraceWriter {
  readonly trace = new TraceWriter()
  readonly #ids = new Map<string, number>()
  readonly #places = new Map<string, Place>()
  readonly #pins = new Map<string, { id: number; owner: number }>()
  #nextBase = TABLE_PAGES

  add({ verb, words }: Operation): void {
    const { trace } = this
    const [who = '', what = '', third] = words
    const mm = this.#ids.get(who) ?? -1
    switch (verb) {
      case 'spawn':
        this.#ids.set(who, trace.spawn())
        return
      case 'fork':
        this.#fork(who, what, trace.fork(mm))
        return
      case 'exit':
        trace.exit(mm)
        return
      case 'exec':
        trace.exec(mm)
        return
      case 'drain':
        trace.drain()
        return
      case 'ksmwait':
        trace.ksmWait()
        return
      case 'clearrefs':
        trace.clearRefs(mm, 4)
        return
      case 'mmap': {
        const place = this.#place(`${who}:${what}`, Number(third))
        const order = words[3] === 'thp' ? 9 : 0
        const prot = PROT_READ | PROT_WRITE
        trace.mmap(mm, place.base, place.pages, MAP_PRIVATE_ANON, prot, order)
        return
      }
      case 'unpin':
      case 'devread':
      case 'devwrite':
        this.#device(verb, who)
        return
      default:
        this.#onRange(verb, mm, words)
    }
  }

  #onRange(verb: string, mm: number, words: readonly string[]): void {
    const { trace } = this
    const [who, , third = '', kind] = words
    const { start, pages } = this.#range(words)
    const vpns = Array.from({ length: pages }, (_, i) => start + i)
    switch (verb) {
      case 'write':
        for (const vpn of vpns) trace.store(mm, vpn)
        return
      case 'read':
        for (const vpn of vpns) trace.load(mm, vpn)
        return
      case 'writesame':
        trace.storeSame(mm, vpns)
        return
      case 'poke':
        trace.poke(mm, start)
        return
      case 'munmap':
        trace.munmap(mm, start, pages)
        return
      case 'mprotect':
        trace.mprotect(mm, start, pages, PROT_READ | (third === 'rw' ? PROT_WRITE : 0))
        return
      case 'madvise':
        trace.madvise(mm, start, pages, codeOf(ADVICE, third))
        return
      case 'mremap':
        trace.mremap(mm, start, pages, this.#place(`${who}:${third}`, pages).base)
        return
      case 'swapout':
        trace.swapout(mm, start, pages)
        return
      case 'uffdwp':
        trace.uffdWp(mm, start, pages, third === 'on')
        return
      case 'pin': {
        const id = trace.pin(mm, start, pages, codeOf(PIN_KINDS, kind))
        this.#pins.set(third, { id, owner: mm })
        return
      }
      case 'show':
        return
      default:
        throw new RangeError(`unknown operation: ${verb}`)
    }
  }

  #device(verb: 'unpin' | 'devread' | 'devwrite', word: string): void {
    const { area: name, first } = parseRange(word)
    const pin = this.#pins.get(name)
    if (pin === undefined) throw new RangeError(`unknown pin: ${name}`)
    if (verb === 'unpin') this.trace.unpin(pin.owner, pin.id)
    else if (verb === 'devread') this.trace.devread(pin.owner, pin.id, first ?? 0)
    else this.trace.devwrite(pin.owner, pin.id, first ?? 0)
  }

  #fork(parent: string, child: string, id: number): void {
    this.#ids.set(child, id)
    for (const [key, place] of [...this.#places]) {
      const [owner, name] = key.split(':')
      if (owner === parent) this.#places.set(`${child}:${name}`, place)
    }
  }

  #place(key: string, pages: number): Place {
    const place = { base: this.#nextBase, pages }
    this.#nextBase += Math.ceil(pages / TABLE_PAGES) * TABLE_PAGES
    this.#places.set(key, place)
    return place
  }

  #range(words: readonly string[]): { start: number; pages: number } {
    const { area, first, last } = parseRange(words[1])
    const place = this.#places.get(`${words[0]}:${area}`)
    if (place === undefined) throw new RangeError(`unknown area: ${area}`)
    const from = first ?? 0
    return { start: place.base + from, pages: (last ?? place.pages - 1) - from + 1 }
  }
}
