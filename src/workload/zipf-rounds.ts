/**
 * zipf-rounds: fork, skewed accesses of the parent, exit of the child, as many accesses again, and so on: the shape of
 * the traces that the simulator's own speed is measured on.
 */
import { int, type Values } from '../params/params.ts'
import { MAP_PRIVATE_ANON } from '../trace/ops.ts'
import type { Rng } from '../trace/rng.ts'
import type { TraceWriter } from '../trace/trace.ts'
import { PROT_RW, storeAll } from './address-space.ts'

const params = {
  pages: int(65_536, 1, 1 << 24, 'heap size, in pages'),
  rounds: int(10, 1, 100_000, 'times that the parent forks'),
  accesses: int(500_000, 0, 1 << 28, 'accesses of the parent beside a child, and again after it'),
  theta: int(99, 0, 300, 'skew of the accesses: zipf exponent in hundredths'),
}
type ZipfRounds = Values<typeof params>

/** What `bg` and `mix` have in common: rounds of a fork, zipf-distributed accesses, and the child's exit. */
export const zipfRounds = {
  params,

  /** The fill, the accesses, fork and exit of each child, and start, mapping and exit of the parent. */
  events: (p: ZipfRounds): number => p.pages + p.rounds * (2 * p.accesses + 2) + 3,

  /** `loads` percent of the accesses load, the others store. */
  generate(t: TraceWriter, rng: Rng, p: ZipfRounds, loads: number): void {
    const keys = rng.zipf(p.pages, p.theta, rng.permutation(p.pages))
    const parent = t.spawn()
    t.mmap(parent, 0, p.pages, MAP_PRIVATE_ANON, PROT_RW)
    storeAll(t, parent, 0, p.pages)

    const access = (): void => {
      for (let i = 0; i < p.accesses; i++)
        if (loads > 0 && rng.chance(loads)) t.load(parent, keys.next())
        else t.store(parent, keys.next())
    }
    for (let round = 0; round < p.rounds; round++) {
      const child = t.fork(parent)
      access()
      t.exit(child)
      access()
    }
    t.exit(parent)
  },
}
