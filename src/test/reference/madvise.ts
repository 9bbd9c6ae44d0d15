/** madvise: one call, by its advice code: some act at once, the others are remembered by the area. */
import {
  MADV_COLLAPSE,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_PAGEOUT,
} from '../../trace/ops.ts'
import { splitPmd } from './huge.ts'
import { madvFree } from './lazy-free.ts'
import { collapse } from './merge.ts'
import { type Area, type Process, TABLE_PAGES } from './nouns.ts'
import { isolateChanging, mappedUntil, mergeChanged, pmdAt } from './space.ts'
import { pageOut } from './swap.ts'
import { dontNeed } from './unmap.ts'
import type { World } from './world.ts'

const actions: Readonly<
  Record<number, (w: World, process: Process, start: number, end: number) => void>
> = {
  [MADV_DONTNEED]: dontNeed,
  [MADV_FREE]: madvFree,
  [MADV_PAGEOUT]: pageOut,
}

/** What is mapped gets the advice; if not all is, the call fails. */
export function madvise(
  w: World,
  process: Process,
  start: number,
  end: number,
  advice: number,
): 'ok' | 'error' {
  const whole = mappedUntil(process, start, end) === end
  const answer = adviseMapped(w, process, start, end, advice)
  return whole ? answer : 'error'
}

function adviseMapped(
  w: World,
  process: Process,
  start: number,
  end: number,
  advice: number,
): 'ok' | 'error' {
  if (advice === MADV_COLLAPSE) return collapse(w, process, start, end)
  const actsNow = actions[advice]
  if (actsNow !== undefined) {
    // madvise_walk_vmas(): area by area.
    for (const area of process.areas) {
      const first = Math.max(start, area.start)
      const last = Math.min(end, area.end)
      if (first >= last) continue
      if (advice === MADV_FREE && area.kind !== 'anon') return 'error'
      actsNow(w, process, first, last)
    }
    return 'ok'
  }
  for (const area of isolateChanging(process, start, end, (a) => advise({ ...a }, advice))) {
    advise(area, advice)
    splitAt(w, process, area.start)
    splitAt(w, process, area.end)
    mergeChanged(process, area, w.era.mergesUntouched)
  }
  return 'ok'
}

/** Returns whether the area is another one for it. */
function advise(area: Area, advice: number): boolean {
  const before = { ...area }
  if (advice === MADV_HUGEPAGE) area.advice = 'huge'
  else if (advice === MADV_NOHUGEPAGE) area.advice = 'never'
  else if (advice === MADV_MERGEABLE) area.mergeable = true
  else if (advice === MADV_DONTFORK) area.dontFork = true
  else throw new RangeError(`unknown advice: ${advice}`)
  const { advice: had, mergeable, dontFork } = before
  return area.advice !== had || area.mergeable !== mergeable || area.dontFork !== dontFork
}

/** vma_adjust_trans_huge(): an area's edge inside a huge mapping splits it. */
function splitAt(w: World, process: Process, edge: number): void {
  const pmd = pmdAt(process, edge)
  if (pmd !== null && edge % TABLE_PAGES !== 0) splitPmd(w, pmd)
}
