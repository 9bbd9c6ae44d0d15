import { describe, expect, test } from 'vitest'
import { cells, showing } from '../src/test/cells.ts'
import type { GivenValues } from '../src/workload/api.ts'

describe('direct-io', () => {
  const OLD = ['mapcount', 'reuse-swap-page', 'page-count', 'page-count-refined']
  const MODERN = ['anon-exclusive', 'order0-copy', 'table-scan', 'mm-id', 'clairvoyant']
  /** Which lose coherence. Those from 5.19 on must break no promise at all. */
  const losing = (given: GivenValues): string[] => {
    const table = cells('direct-io', { requests: 400, ...given }, [...OLD, ...MODERN])
    expect(showing('violations', table).filter((policy) => MODERN.includes(policy))).toEqual([])
    return showing('lost_coherence', table)
  }

  test('nothing is lost while nothing happens', () => {
    expect(losing({ during: 'none' })).toEqual([])
  })

  test('mprotect and userfaultfd, any kind of pin: page-count and page-count-refined lose it (I-13, I-14)', () => {
    for (const during of ['mprotect', 'uffd-wp'])
      for (const kind of ['odirect', 'iouring', 'ropin'])
        expect(losing({ during, kind }), `${during} ${kind}`).toEqual([
          'page-count',
          'page-count-refined',
        ])
  })

  test('clear_refs: only for O_DIRECT, since FOLL_PIN is spared (I-09)', () => {
    const during = 'clear-refs'
    expect(losing({ during, kind: 'odirect' })).toEqual(['page-count', 'page-count-refined'])
    expect(losing({ during, kind: 'iouring' })).toEqual([])
  })

  test('swap-out: only for O_DIRECT, since FOLL_PIN is not unmapped (I-10, I-11)', () => {
    const during = 'swap'
    expect(losing({ during, kind: 'odirect' })).toEqual(['page-count', 'page-count-refined'])
    expect(losing({ during, kind: 'dmapin' })).toEqual([])
  })

  test('fork: up to 5.8 it is lost, later pinned pages are copied for the child (I-07)', () => {
    expect(losing({ during: 'fork', kind: 'iouring' })).toEqual(['mapcount', 'reuse-swap-page'])
  })

  test('a read-only pin beside a child is unshared from 5.19 on, and lost before (I-18)', () => {
    expect(losing({ during: 'fork', kind: 'ropin' })).toEqual([
      'mapcount',
      'reuse-swap-page',
      'page-count',
      'page-count-refined',
    ])
  })

  test('all together: the policies from 5.19 on lose nothing', () => {
    expect(losing({ requests: 1000 })).toEqual([
      'mapcount',
      'reuse-swap-page',
      'page-count',
      'page-count-refined',
    ])
  })
})
