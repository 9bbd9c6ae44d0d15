export interface Era {
  /** userfaultfd write-protection (5.7). */
  readonly uffdWp: boolean
  /** CONFIG_MEM_SOFT_DIRTY, as the recorded kernel was built. */
  readonly softDirty: boolean
  /** MADV_COLLAPSE: absent until 6.0; needs one writable entry until 6.12. */
  readonly collapse: 'none' | 'writable' | 'any'
  /** A store to the huge zero page gets a huge folio (until 5.7, again from 6.18), or splits the mapping. */
  readonly hugeZeroStore: 'thp' | 'split'
  /** Where a PMD split leaves the dirty bit: on the page (until 6.1) or in each entry. */
  readonly splitDirty: 'page' | 'pte'
  /** Block direct I/O takes FOLL_GET until 6.4, FOLL_PIN from 6.5. */
  readonly odirect: 'get' | 'pin'
}

const base: Era = {
  uffdWp: true,
  softDirty: true,
  collapse: 'none',
  hugeZeroStore: 'split',
  splitDirty: 'page',
  odirect: 'get',
}

export const ERAS = {
  '5.6': { ...base, uffdWp: false, hugeZeroStore: 'thp' },
  '5.8': base,
  '6.1': { ...base, collapse: 'writable' },
  '6.12': { ...base, collapse: 'writable', splitDirty: 'pte', odirect: 'pin' },
  '6.18': {
    ...base,
    softDirty: false,
    collapse: 'any',
    hugeZeroStore: 'thp',
    splitDirty: 'pte',
    odirect: 'pin',
  },
} as const satisfies Record<string, Era>

export type EraName = keyof typeof ERAS

/** Capabilities that a workload may need and an era may lack. */
export function eraLacks(era: Era): string[] {
  const lacks: string[] = []
  if (!era.uffdWp) lacks.push('uffd-wp')
  if (!era.softDirty) lacks.push('soft-dirty')
  if (era.collapse === 'none') lacks.push('collapse')
  return lacks
}
