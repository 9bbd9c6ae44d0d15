/**
 * ring: a few chunks of a trace in shared memory, written by one thread and read by several, each at its own pace.
 *
 * The writer waits for the slowest reader, and readers wait for the writer: whatever the length of the trace, it takes
 * the memory of SLOTS chunks. As many readers work at once as there are turns; a turn is one chunk.
 */
import { CHUNK_ARGS, CHUNK_SEGMENTS, type Chunk } from '../trace/trace.ts'

const SLOTS = 4

/** Words of the shared state; the readers' follow. */
const WRITTEN = 0 // chunks
const ENDING = 1 // whether more will come
const NEWS = 2 // counts what the writer did: readers wait for it to change
const ROOM = 3 // counts what the readers did: the writer waits for it to change
const TURNS_BACK = 4 // counts the turns that were given back: whoever needs one waits for it to change
const SIZES = 5 // of each slot: words of segments, words of operands
const READERS = SIZES + 2 * SLOTS // of each reader: chunks read. After them, of each turn: who has it, NOBODY or seat + 1
const NOBODY = 0

/** What ENDING says; 0 at first. */
const ENDED = 1
const BROKEN = 2

/** Chunks read by a reader that has left: the writer waits for no such number. */
const GONE = 2 ** 31 - 1

/** Goes to other threads as it is. */
export interface RingMemory {
  readonly state: SharedArrayBuffer
  readonly slots: readonly SharedArrayBuffer[]
  readonly readers: number
  readonly turns: number
}

export class Ring {
  readonly memory: RingMemory
  readonly #state: Int32Array
  readonly #segments: readonly Int32Array[]
  readonly #args: readonly Int32Array[]

  constructor(memory: RingMemory) {
    this.memory = memory
    this.#state = new Int32Array(memory.state)
    this.#segments = memory.slots.map((slot) => new Int32Array(slot, 0, CHUNK_SEGMENTS))
    this.#args = memory.slots.map((slot) => new Int32Array(slot, 4 * CHUNK_SEGMENTS, CHUNK_ARGS))
  }

  /** A ring with `readers` seats, of whom `turns` work at once. */
  static create(readers: number, turns: number): Ring {
    const words = READERS + readers + turns
    const slot = (): SharedArrayBuffer => new SharedArrayBuffer(4 * (CHUNK_SEGMENTS + CHUNK_ARGS))
    const slots = Array.from({ length: SLOTS }, slot)
    return new Ring({ state: new SharedArrayBuffer(4 * words), slots, readers, turns })
  }

  /** Writes a chunk as soon as there is room. */
  write({ segments, args }: Chunk): void {
    const written = Atomics.load(this.#state, WRITTEN)
    for (;;) {
      const room = Atomics.load(this.#state, ROOM)
      if (written - this.#slowest(written) < SLOTS) break
      Atomics.wait(this.#state, ROOM, room)
    }
    const slot = written % SLOTS
    this.#segments[slot]?.set(segments)
    this.#args[slot]?.set(args)
    this.#state[SIZES + 2 * slot] = segments.length
    this.#state[SIZES + 2 * slot + 1] = args.length
    Atomics.store(this.#state, WRITTEN, written + 1)
    this.#tell(NEWS)
  }

  /** No more will come. */
  end(): void {
    Atomics.store(this.#state, ENDING, ENDED)
    this.#tell(NEWS)
  }

  /** No more will come, and something is missing. */
  break(): void {
    Atomics.store(this.#state, ENDING, BROKEN)
    this.#tell(NEWS)
  }

  /** The chunks, for the reader in this seat. Throws if the writer broke off. */
  *read(seat: number): Generator<Chunk> {
    for (let chunk = 0; this.#hasChunk(chunk); chunk++) {
      this.#takeTurn(seat)
      const slot = chunk % SLOTS
      yield {
        segments: this.#segments[slot]!.subarray(0, this.#state[SIZES + 2 * slot]),
        args: this.#args[slot]!.subarray(0, this.#state[SIZES + 2 * slot + 1]),
      }
      this.#giveTurnBack(seat)
      Atomics.store(this.#state, READERS + seat, chunk + 1)
      this.#tell(ROOM)
    }
  }

  /** The reader in this seat reads no more: nobody waits for it, and its turn is somebody else's. */
  leave(seat: number): void {
    this.#giveTurnBack(seat)
    Atomics.store(this.#state, READERS + seat, GONE)
    this.#tell(ROOM)
  }

  /** Is the reader in this seat at work? */
  working(seat: number): boolean {
    return this.#turns().some((turn) => Atomics.load(this.#state, turn) === seat + 1)
  }

  /** Is the writer at work? It is not while it waits for room, nor after its end. */
  writing(): boolean {
    if (Atomics.load(this.#state, ENDING) !== 0) return false
    const written = Atomics.load(this.#state, WRITTEN)
    return written - this.#slowest(written) < SLOTS
  }

  /** Waits for a chunk; false if there will be none. */
  #hasChunk(chunk: number): boolean {
    for (;;) {
      const news = Atomics.load(this.#state, NEWS)
      const ending = Atomics.load(this.#state, ENDING)
      if (Atomics.load(this.#state, WRITTEN) > chunk) return true
      if (ending === ENDED) return false
      if (ending === BROKEN) throw new Error('truncated trace: its writer broke off')
      Atomics.wait(this.#state, NEWS, news)
    }
  }

  /** Chunks that every reader has read; all `written` ones if nobody reads. */
  #slowest(written: number): number {
    let least = written
    for (let seat = 0; seat < this.memory.readers; seat++) {
      least = Math.min(least, Atomics.load(this.#state, READERS + seat))
    }
    return least
  }

  #takeTurn(seat: number): void {
    for (;;) {
      const back = Atomics.load(this.#state, TURNS_BACK)
      const taken = (turn: number): boolean =>
        Atomics.compareExchange(this.#state, turn, NOBODY, seat + 1) === NOBODY
      if (this.#turns().some(taken)) return
      Atomics.wait(this.#state, TURNS_BACK, back)
    }
  }

  /** Whoever has the turn is written in it, so that a thread which was ended at any moment keeps none. */
  #giveTurnBack(seat: number): void {
    for (const turn of this.#turns()) {
      if (Atomics.compareExchange(this.#state, turn, seat + 1, NOBODY) === seat + 1)
        this.#tell(TURNS_BACK)
    }
  }

  #turns(): number[] {
    const first = READERS + this.memory.readers
    return Array.from({ length: this.memory.turns }, (_, i) => first + i)
  }

  #tell(what: number): void {
    Atomics.add(this.#state, what, 1)
    Atomics.notify(this.#state, what)
  }
}
