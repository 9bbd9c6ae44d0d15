/** swap-device: what a test's swap is on, as --swap names it. */
import { unknown } from '../../params/closest.ts'
import { UsageError } from './usage-error.ts'

export const SWAPS = ['zram', 'disk'] as const

export const SWAP_FLAG = {
  kind: 'text',
  value: 'zram or disk',
  what: 'disk: the swapcache is always used [zram]',
} as const

/** Is it a disk, which is always read through the swapcache? Throws UsageError for what is neither. */
export function isSwapDisk(swap: string): boolean {
  const found = SWAPS.find((known) => known === swap)
  if (found === undefined) throw new UsageError(unknown('swap', swap, SWAPS))
  return found === 'disk'
}
