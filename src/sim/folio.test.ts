/** MM owner tracking (6.15), sequence by sequence: who has a slot, and when the folio counts as shared. */
import { describe, expect, test } from 'vitest'
import { Frames } from '../state/frames.ts'
import { Mm } from '../state/mm.ts'
import { mapHuge, mapPte, remapHugeAsPtes, unmapPte } from './folio.ts'

/** A folio of four pages; `map` and `unmap` take a process and how many of the first pages. */
class Folio {
  readonly frames = new Frames()
  readonly head = this.frames.allocFolio(2)
  readonly #mms = [0, 1, 2, 3].map((id) => new Mm(id))

  map(process: number, pages = 4, first = 0): this {
    for (let i = first; i < first + pages; i++) mapPte(this.frames, this.mm(process), this.head + i)
    return this
  }

  unmap(process: number, pages = 4, first = 0): this {
    for (let i = first; i < first + pages; i++)
      unmapPte(this.frames, this.mm(process), this.head + i)
    return this
  }

  mm(process: number): Mm {
    return this.#mms[process] as Mm
  }

  /** Processes and mappings in the slots (null: free), the SHARED bit, and all mappings. */
  get owners(): unknown {
    const { frames, head } = this
    const slot = (owner: Int32Array, maps: Int32Array): unknown =>
      owner[head] === 0 ? null : [(owner[head] as number) - 1, maps[head]]
    return [
      slot(frames.mm0, frames.mm0Maps),
      slot(frames.mm1, frames.mm1Maps),
      frames.mmShared[head] === 1,
      frames.largeMapcount[head],
    ]
  }
}

describe('one process', () => {
  test('owns a fresh folio in the first slot', () => {
    expect(new Folio().map(0).owners).toEqual([[0, 4], null, false, 4])
  })

  test('gives the slot up with its last mapping', () => {
    expect(new Folio().map(0).unmap(0, 3).owners).toEqual([[0, 1], null, false, 1])
    expect(new Folio().map(0).unmap(0).owners).toEqual([null, null, false, 0])
  })

  test('has all 512 mappings in its slot after a PMD split', () => {
    const frames = new Frames()
    const head = frames.allocFolio(9)
    const mm = new Mm(0)
    mapHuge(frames, mm, head)
    expect([frames.entire[head], frames.largeMapcount[head], frames.mm0Maps[head]]).toEqual([
      1, 1, 1,
    ])
    remapHugeAsPtes(frames, mm, head)
    // 512 added, then the PMD's one taken away.
    expect([frames.entire[head], frames.largeMapcount[head], frames.mm0Maps[head]]).toEqual([
      0, 512, 512,
    ])
    expect([frames.mmShared[head], frames.mapcount(head + 511)]).toEqual([0, 1])
  })
})

describe('two processes', () => {
  const both = () => new Folio().map(0).map(1)

  test('share it, each in a slot of its own', () => {
    expect(both().owners).toEqual([[0, 4], [1, 4], true, 8])
  })

  test('no longer share it when either has gone', () => {
    expect(both().unmap(1).owners).toEqual([[0, 4], null, false, 4])
    expect(both().unmap(0).owners).toEqual([null, [1, 4], false, 4])
  })

  test('share it still while the one has a single mapping left', () => {
    expect(both().unmap(1, 3).owners).toEqual([[0, 4], [1, 1], true, 5])
  })
})

describe('a third process', () => {
  const three = () => new Folio().map(0).map(1).map(2)

  test('is not tracked: only the total knows of it', () => {
    expect(three().owners).toEqual([[0, 4], [1, 4], true, 12])
  })

  test('lets the first be recognised when it and the second have gone, in either order', () => {
    expect(three().unmap(1).unmap(2).owners).toEqual([[0, 4], null, false, 4])
    expect(three().unmap(2).unmap(1).owners).toEqual([[0, 4], null, false, 4])
  })

  test('is never recognised when it is the one that is left', () => {
    expect(three().unmap(0).unmap(1).owners).toEqual([null, null, true, 4])
    // Down to nothing: an empty slot equals an empty total.
    expect(three().unmap(0).unmap(1).unmap(2).owners).toEqual([null, null, false, 0])
  })

  test('takes a slot that has become free, with a partial count', () => {
    const folio = new Folio().map(0).map(1).map(2, 2)
    expect(folio.unmap(1).map(2, 2, 2).owners).toEqual([[0, 4], [2, 2], true, 8])
  })

  test('underflows the slot that it took late: the slot is freed', () => {
    // Process 2 has four mappings, of which its slot knows two; the third one that goes makes the count negative.
    const folio = new Folio().map(0).map(1).map(2, 2).unmap(1).map(2, 2, 2)
    expect(folio.unmap(2, 2).owners).toEqual([[0, 4], null, true, 6])
    // Now it is untracked again, and its other two mappings go without a slot.
    expect(folio.unmap(2, 2, 2).owners).toEqual([[0, 4], null, false, 4])
  })

  test('with its slot gone negative at once is freed just the same', () => {
    const folio = new Folio().map(0).map(1).map(2, 3).unmap(1).map(2, 1, 3)
    expect(folio.owners).toEqual([[0, 4], [2, 1], true, 8])
    expect(folio.unmap(2, 1).owners).toEqual([[0, 4], null, true, 7])
  })

  test('makes a folio shared that has mappings but no owner', () => {
    // Process 3 finds a free slot while the mappings are those of the untracked process 2.
    const folio = three().unmap(0).unmap(1)
    expect(folio.map(3, 1).owners).toEqual([[3, 1], null, true, 5])
  })
})
