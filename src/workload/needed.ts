/** needed: what an event needs of a policy and its kernel, so that a workload that does not say so is told. */
import type { Capability } from '../params/capabilities.ts'
import {
  MADV_COLLAPSE,
  MADV_MERGEABLE,
  MADV_PAGEOUT,
  OP_BEGIN,
  OP_CLEAR_REFS,
  OP_KHUGEPAGED,
  OP_KSM_WAIT,
  OP_MADVISE,
  OP_MMAP,
  OP_SWAPOUT,
  OP_UFFD_REGISTER,
  OP_UFFD_WP,
  OP_WRITEBACK,
  UFFD_MINOR,
  UFFD_WP,
} from '../trace/ops.ts'

const OF_ADVICE: Readonly<Record<number, Capability>> = {
  [MADV_COLLAPSE]: 'collapse',
  [MADV_MERGEABLE]: 'ksm',
  [MADV_PAGEOUT]: 'swap',
}
/** What /proc/PID/clear_refs is written to for soft-dirty bits. */
const CLEAR_SOFT_DIRTY = 4

/** The capability that an event needs and that is not among `given`. */
export function neededBy(
  op: number,
  operands: Int32Array,
  given: ReadonlySet<Capability>,
): Capability | undefined {
  const need = needOf(op, operands)
  if (need === undefined || given.has(need)) return undefined
  // Where shared memory can be write-protected, private memory can.
  return need === 'uffd-wp' && given.has('uffd-wp-shmem') ? undefined : need
}

function needOf(op: number, operands: Int32Array): Capability | undefined {
  const [first = 0, second = 0, third = 0] = operands
  switch (op) {
    case OP_MMAP:
      return operands[4]! > 0 ? 'thp' : undefined
    case OP_KHUGEPAGED:
      return 'thp'
    case OP_MADVISE:
      return OF_ADVICE[third]
    case OP_SWAPOUT:
    case OP_WRITEBACK:
      return 'swap'
    case OP_BEGIN:
      return second === OP_SWAPOUT ? 'swap' : undefined
    case OP_KSM_WAIT:
      return 'ksm'
    case OP_CLEAR_REFS:
      return first === CLEAR_SOFT_DIRTY ? 'soft-dirty' : undefined
    case OP_UFFD_WP:
      return 'uffd-wp'
    case OP_UFFD_REGISTER:
      if ((third & UFFD_MINOR) !== 0) return 'uffd-minor'
      return (third & UFFD_WP) !== 0 ? 'uffd-wp' : undefined
  }
  return undefined
}
