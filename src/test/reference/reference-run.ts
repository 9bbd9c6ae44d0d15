/** reference-run: executes a whole trace in the reference model and returns its counts. */
import {
  MAP_PRIVATE_FILE,
  MAP_SHARED,
  OP_CLEAR_REFS,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_DRAIN,
  OP_EXEC,
  OP_EXIT,
  OP_FOLIO_SPLIT,
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
  PROT_NONE,
  PROT_WRITE,
} from '../../trace/ops.ts'
import { SEGMENT, type Trace } from '../../trace/trace.ts'
import { deviceRead, deviceWrite, load, poke, store } from './access.ts'
import { fork } from './fork.ts'
import { dropPin, takePin } from './gup.ts'
import { splitFolio } from './huge.ts'
import { ownEra } from './kernels.ts'
import { madvise } from './madvise.ts'
import { ksmWait } from './merge.ts'
import type { Folio, Process } from './nouns.ts'
import { clearSoftDirty, mprotect, uffdWriteProtect } from './protect.ts'
import { type Era, type Params, policyNamed, type Rules } from './rules.ts'
import { mappedPage } from './space.ts'
import { addArea, spawn } from './spawn.ts'
import { swapOut } from './swap.ts'
import type { Tally } from './tally.ts'
import { exec, exit, mremap, munmap } from './unmap.ts'
import { World } from './world.ts'

/** Counts of a run; see Tally for their names. */
export function referenceRun(
  trace: Trace,
  policy: string | Rules,
  params: Params = {},
  era: Era = ownEra(typeof policy === 'string' ? policy : policy.id),
  diskSwap = false,
): Tally {
  const rules = typeof policy === 'string' ? policyNamed(policy, params) : policy
  const run = new TraceRun(new World({ rules, era, diskSwap }))
  for (let at = 0; at < trace.segments.length; at += SEGMENT) {
    const [op, process, first, last] = trace.segments.subarray(at, at + SEGMENT)
    run.segment(op ?? -1, process ?? -1, [...trace.args.subarray(first, last)])
  }
  return run.world.tally
}

class TraceRun {
  readonly world: World
  #token = 0
  /** Tokens of STORE_SAME contents. */
  readonly #contents = new Map<number, number>()
  /** Folios that OP_GET holds, by process and page. */
  readonly #speculative = new Map<string, Folio[]>()

  constructor(world: World) {
    this.world = world
  }

  segment(op: number, id: number, args: readonly number[]): void {
    const w = this.world
    const [a = 0, b = 0, c = 0, d = 0] = args
    switch (op) {
      case OP_SPAWN:
        spawn(w, id)
        return
      case OP_DRAIN:
      case OP_MIGRATE:
        // Migration changes nothing that is modelled but the batches: mappings and exclusivity move along.
        w.drain()
        return
      case OP_KSM_WAIT:
        ksmWait(w)
        return
      case OP_UNPIN: {
        const pin = w.pins.get(a)
        if (pin !== undefined) dropPin(w, pin)
        return
      }
      case OP_DEVREAD:
      case OP_DEVWRITE: {
        const pin = w.pins.get(a)
        if (pin === undefined) return
        if (op === OP_DEVREAD) deviceRead(w, pin, b)
        else deviceWrite(w, pin, b, ++this.#token)
        return
      }
    }
    const process = w.processes.get(id)
    if (process === undefined) throw new RangeError(`unknown process: ${id}`)
    if (op === OP_LOAD) for (const vpn of args) load(w, process, vpn)
    else if (op === OP_STORE) for (const vpn of args) store(w, process, vpn, ++this.#token)
    else this.#ofProcess(op, process, args, { a, b, c, d })
  }

  #ofProcess(
    op: number,
    process: Process,
    args: readonly number[],
    { a, b, c, d }: { a: number; b: number; c: number; d: number },
  ): void {
    const w = this.world
    switch (op) {
      case OP_FORK:
        fork(w, process, a)
        return
      case OP_EXEC:
        exec(w, process)
        return
      case OP_EXIT:
        exit(w, process)
        return
      case OP_MMAP:
        this.#mmap(process, args)
        return
      case OP_MUNMAP:
        munmap(w, process, a, a + b)
        return
      case OP_MPROTECT:
        mprotect(w, process, a, a + b, protection(c))
        return
      case OP_MREMAP:
        mremap(w, process, a, a + b, c)
        return
      case OP_MADVISE:
        madvise(w, process, a, a + b, c)
        return
      case OP_PIN:
        takePin(w, process, d, { start: a, pages: b }, c)
        return
      case OP_SWAPOUT:
        swapOut(w, process, a, a + b)
        return
      case OP_UFFD_WP:
        uffdWriteProtect(w, process, a, a + b, c !== 0)
        return
      case OP_CLEAR_REFS:
        clearSoftDirty(w, process)
        return
      case OP_POKE:
        poke(w, process, a, ++this.#token)
        return
      case OP_STORE_SAME:
        store(w, process, a, this.#content(b))
        return
      case OP_GET:
      case OP_PUT:
        this.#speculate(op, process, a)
        return
      case OP_FOLIO_SPLIT: {
        const page = mappedPage(process, a)
        if (page !== null && page.folio.kind === 'anon') splitFolio(w, page.folio)
        return
      }
      default:
        throw new RangeError(`unknown operation: ${op}`)
    }
  }

  #mmap(process: Process, args: readonly number[]): void {
    const [start = 0, pages = 0, kind = 0, prot = 0, folioOrder = 0, object = 0, pgoff = 0] = args
    addArea(this.world, process, {
      start,
      end: start + pages,
      kind: kind === MAP_SHARED ? 'shared' : kind === MAP_PRIVATE_FILE ? 'file' : 'anon',
      object,
      pgoff,
      folioOrder,
      ...protection(prot),
    })
  }

  #content(number: number): number {
    const token = this.#contents.get(number) ?? ++this.#token
    this.#contents.set(number, token)
    return token
  }

  #speculate(op: number, process: Process, vpn: number): void {
    const key = `${process.id}:${vpn}`
    const held = this.#speculative.get(key) ?? []
    this.#speculative.set(key, held)
    if (op === OP_PUT) {
      const folio = held.pop()
      if (folio !== undefined) folio.speculative--
      return
    }
    const folio = mappedPage(process, vpn)?.folio
    if (folio === undefined || folio.kind === 'zero') return
    folio.speculative++
    held.push(folio)
  }
}

function protection(prot: number): { read: boolean; write: boolean } {
  return { read: prot !== PROT_NONE, write: (prot & PROT_WRITE) !== 0 }
}
