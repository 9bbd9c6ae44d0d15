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
import { madvFree } from './lazy-free.ts'
import { collapse } from './merge.ts'
import { isolateAreas, mergeAreas, type Process } from './space.ts'
import { pageOut } from './swap.ts'
import { dontNeed } from './unmap.ts'
import type { World } from './world.ts'

export function madvise(
  w: World,
  process: Process,
  start: number,
  end: number,
  advice: number,
): 'ok' | 'error' {
  switch (advice) {
    case MADV_DONTNEED:
      dontNeed(w, process, start, end)
      return 'ok'
    case MADV_FREE:
      madvFree(w, process, start, end)
      return 'ok'
    case MADV_PAGEOUT:
      pageOut(w, process, start, end)
      return 'ok'
    case MADV_COLLAPSE:
      return collapse(w, process, start, end)
  }
  for (const area of isolateAreas(process, start, end)) {
    if (advice === MADV_HUGEPAGE) area.advice = 'huge'
    else if (advice === MADV_NOHUGEPAGE) area.advice = 'never'
    else if (advice === MADV_MERGEABLE) area.mergeable = true
    else if (advice === MADV_DONTFORK) area.dontFork = true
    else throw new RangeError(`unknown advice: ${advice}`)
  }
  mergeAreas(process)
  return 'ok'
}
