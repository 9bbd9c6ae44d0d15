/**
 * Names: new numbers for things of one kind, in the order in which they are met.
 */
export class Names {
  readonly of: Int32Array
  readonly met: Int32Array
  count = 0

  constructor(room: number) {
    this.of = new Int32Array(room)
    this.met = new Int32Array(room)
  }

  restart(): void {
    for (let i = 0; i < this.count; i++) this.of[this.met[i]!] = 0
    this.count = 0
  }

  /** 1 for the first one met. */
  name(thing: number): number {
    const known = this.of[thing]!
    if (known !== 0) return known
    this.met[this.count] = thing
    this.of[thing] = ++this.count
    return this.count
  }
}
