/** cases: the beginnings of hand-worked cases for the oracle, and the questions that they ask. */
import { Oracle } from '../../oracle/oracle.ts'
import { COPY_MAPPED, REUSE, SITE_WP } from '../../policy/verdict.ts'
import { MAP_PRIVATE_ANON } from '../../trace/ops.ts'

/** Parent, child, and two more. */
export const P = 0
export const C = 1
export const D = 2
export const E = 3

/** A process with `pages` anonymous pages that nobody has touched. */
export function untouched(pages = 8): Oracle {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, pages, MAP_PRIVATE_ANON, 0, 0)
  return oracle
}

/** The same after a store to each page. */
export function parent(pages = 8): Oracle {
  const oracle = untouched(pages)
  for (let vpn = 0; vpn < pages; vpn++) oracle.store(P, vpn)
  return oracle
}

/** Is the process the sole user? Asked without consequences: no store follows. */
export function sole(oracle: Oracle, mm: number, vpn: number): boolean {
  return !oracle.verdict(SITE_WP, mm, vpn, 1, REUSE, 0)
}

/** A store to a copy. Returns whether the copy was spurious. */
export function copyAndStore(oracle: Oracle, mm: number, vpn: number): boolean {
  const before = oracle.counts.spurious_copies
  oracle.verdict(SITE_WP, mm, vpn, 1, COPY_MAPPED, 0)
  oracle.store(mm, vpn)
  return oracle.counts.spurious_copies > before
}
