/**
 * null-judge: an oracle that knows nothing, to find out what the real one costs: the machine does all that it does
 * otherwise, and every store still gets a token of its own.
 */
import type { Exchanges, Judge } from '../../src/sim/judge.ts'

export class NullJudge implements Judge, Exchanges {
  event = 0
  #token = 0

  spawn(): void {}
  fork(): void {}
  forkedPages(): void {}
  exec(): void {}
  exit(): void {}
  mmap(): void {}
  munmap(): void {}
  dontneed(): void {}
  lazyfree(): void {}
  dropped(): void {}
  zeroed(): void {}
  mremap(): void {}

  expectations(): undefined {}
  seesExpected(): boolean {
    return true
  }
  load(): number {
    return 0
  }
  store(): number {
    return ++this.#token
  }
  plainStores(): boolean {
    return true
  }
  storeAfter(): number {
    return ++this.#token
  }
  storeOwn(): number {
    return ++this.#token
  }
  storesAfterCopies(_vpns: Int32Array, tokens: Int32Array, from: number, to: number): number {
    for (let i = from; i < to; i++) tokens[i] = ++this.#token
    return to
  }
  storeSame(_mm: number, _vpn: number, content: number): number {
    return -content
  }
  objectPage(): number {
    return ++this.#token
  }

  pin(): void {}
  unpin(): void {}
  devread(): number {
    return 0
  }
  devwrite(): number {
    return ++this.#token
  }
  exchanges(): Exchanges {
    return this
  }
  sees(): boolean {
    return true
  }
  reads(): boolean {
    return true
  }
  writes(): number {
    return ++this.#token
  }
  stores(): number {
    return ++this.#token
  }

  verdict(): boolean {
    return false
  }
  takesOver(_mm: number, _vpn: number, pages: number): number {
    return pages
  }
  copying(): void {}
  copied(): void {}
  refusedHuge(): void {}
  separated(): void {}
  merged(): void {}
  tableShared(): void {}
  tableLeft(): void {}
  uffdWp(): void {}
  uffdEvent(): void {}
  uffdRegister(): void {}
  uffdPresent(): void {}
  collapseRequested(): void {}
}
