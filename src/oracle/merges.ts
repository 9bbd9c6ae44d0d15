/** merges: frames that KSM made of several pages, which need not be relatives or have one address. */

export class Merges {
  /** By frame: the process and the home address of every page that was merged into it. */
  readonly #members = new Map<number, number[]>()

  get none(): boolean {
    return this.#members.size === 0
  }

  has(frame: number): boolean {
    return this.#members.size !== 0 && this.#members.has(frame)
  }

  add(frame: number, mm: number, home: number): void {
    const members = this.#members.get(frame)
    if (members === undefined) this.#members.set(frame, [mm, home])
    else members.push(mm, home)
  }

  /** Does any member satisfy the test? */
  some(frame: number, test: (mm: number, home: number) => boolean): boolean {
    const members = this.#members.get(frame) ?? []
    for (let i = 0; i < members.length; i += 2) if (test(members[i]!, members[i + 1]!)) return true
    return false
  }

  /** Forgets frames that no member can have any more. */
  prune(gone: (mm: number) => boolean): void {
    for (const frame of this.#members.keys()) {
      if (!this.some(frame, (mm) => !gone(mm))) this.#members.delete(frame)
    }
  }
}
