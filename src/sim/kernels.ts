/**
 * KERNELS: which policy, with which parameters, in which mechanism era, models which real kernel.
 */
import type { EraName } from './era.ts'

/** A real kernel, as `--kernel` takes it: a policy with parameters in the mechanism of an era. */
export interface KernelModel {
  readonly name: string
  readonly policy: string
  readonly params: Readonly<Record<string, string | number | boolean>>
  readonly era: EraName
  readonly what: string
}

/** Every kernel that there are records of, oldest first. */
export const KERNELS: readonly KernelModel[] = [
  {
    name: '5.6.19',
    policy: 'forced-gup-break',
    params: { sharedThp: 'copy2M', ksmReuse: true },
    era: '5.6',
    what: 'stable backport of the forced GUP break; a shared THP is copied whole',
  },
  {
    name: '5.8.1-nogupbreak',
    policy: 'reuse-swap-page',
    params: { sharedThp: 'split', ksmReuse: true },
    era: '5.8',
    what: '5.8.1 with the forced GUP break disabled',
  },
  {
    name: '5.8.1',
    policy: 'forced-gup-break',
    params: { sharedThp: 'split', ksmReuse: true },
    era: '5.8',
    what: '"COW can break either way"',
  },
  {
    name: '5.9.1',
    policy: 'page-count',
    params: { reclaimPin: false, clearRefsPin: false, writeProtectSeq: false },
    era: '5.8',
    what: 'first page_count release; reclaim, clear_refs and GUP-fast beside a fork do not spare pins yet',
  },
  { name: '5.15.135', policy: 'page-count', params: {}, era: '5.15', what: 'page_count hybrid' },
  {
    name: '5.18.12',
    policy: 'page-count-refined',
    params: {},
    era: '5.18',
    what: 'page_count on all paths',
  },
  {
    name: '5.19',
    policy: 'anon-exclusive',
    params: { mprotectUpgrade: 'none', forceNeedsNoFault: false, longtermUnsharesFile: false },
    era: '5.19',
    what: 'first PageAnonExclusive release',
  },
  {
    name: '6.0.6',
    policy: 'anon-exclusive',
    params: { mprotectUpgrade: 'dirty', longtermUnsharesFile: false },
    era: '5.19',
    what: 'mprotect maps exclusive dirty pages writable',
  },
  {
    name: '6.1.192',
    policy: 'anon-exclusive',
    params: { mprotectUpgrade: 'dirty', longtermUnsharesFile: false },
    era: '6.1',
    what: 'MADV_COLLAPSE, needs a writable entry',
  },
  {
    name: '6.12.113',
    policy: 'order0-copy',
    params: { mprotectUpgrade: 'any', swapinWritable: true, wpResolveWritable: true },
    era: '6.12',
    what: 'parts of large folios are always copied',
  },
  {
    name: '6.18.44',
    policy: 'mm-id',
    params: { mprotectUpgrade: 'any', swapinWritable: true, wpResolveWritable: true },
    era: '6.18',
    what: 'MM owner tracking',
  },
]
