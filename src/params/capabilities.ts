/** Capabilities: what a workload may need, and a policy or the mechanism of an era may lack. */
import { refuseUnknown } from './declared.ts'

export const CAPABILITIES = [
  'collapse',
  'ksm',
  'soft-dirty',
  'swap',
  'thp',
  'uffd-minor',
  'uffd-wp',
  'uffd-wp-shmem',
] as const

/** A policy that lacks what the workload needs is skipped, and this is why. */
export type Capability = (typeof CAPABILITIES)[number]

/** Throws RangeError `unknown <noun>: ...`. */
export function expectCapabilities(noun: string, given: readonly unknown[]): void {
  refuseUnknown(noun, given.map(String), CAPABILITIES)
}
