import { describe, expect, test } from 'vitest'
import { ALL, cells, showing, small, value } from '../src/test/cells.ts'
import { SEGMENT } from '../src/trace/trace.ts'
import { buildTrace, OP_FORK, OP_STORE } from '../src/workload/api.ts'
import { WORKLOADS } from './index.ts'

describe('fork and its aftermath', () => {
  const FORKS = ['prefork-server', 'snapshot', 'zygote', 'fork-exec', 'cow-table-fork']

  for (const name of FORKS)
    test(`${name}: with 4 KiB pages only always-copy copies without need, and all keep every promise`, () => {
      const table = small(name)
      expect([...table.keys()]).toEqual(ALL)
      // In cow-table-fork nothing that was shared is stored to by one process alone.
      expect(showing('spurious_copies', table)).toEqual(
        name === 'cow-table-fork' ? [] : ['always-copy'],
      )
      expect(showing('violations', table)).toEqual([])
    })

  test('zygote takes every page back by one fault without a copy when the apps have gone', () => {
    // I-24: 4,096 pages that were shared until then.
    const policies = ['mapcount', 'page-count', 'anon-exclusive', 'mm-id']
    const table = cells('zygote', { apps: 10, pages: 4096 }, policies)
    for (const policy of policies)
      expect(value(table, policy, 'reuses'), policy).toBeGreaterThanOrEqual(4096)
  })

  test('snapshot over large folios: who cannot reuse parts of one goes on copying after the exit', () => {
    for (const order of [4, 9]) {
      const table = cells('snapshot', { snapshots: 2, pages: 4096, order })
      const wasteful = showing('spurious_copies', table)
      expect(wasteful).toEqual(
        expect.arrayContaining([
          'page-count',
          'page-count-refined',
          'anon-exclusive',
          'order0-copy',
        ]),
      )
      for (const policy of ['mapcount', 'reuse-swap-page', 'mm-id', 'table-scan', 'clairvoyant'])
        expect(wasteful, policy).not.toContain(policy)
    }
  })

  test('snapshot with pinned buffers: coherence is lost up to 5.8, pinned pages are copied at fork from 5.9 on', () => {
    const table = cells('snapshot', { snapshots: 2, pages: 2048, pinned: 5 })
    const losing = showing('lost_coherence', table)
    expect(losing).toEqual(expect.arrayContaining(['mapcount', 'reuse-swap-page']))
    for (const policy of ['page-count', 'page-count-refined', 'anon-exclusive', 'mm-id']) {
      expect(losing, policy).not.toContain(policy)
      expect(value(table, policy, 'fork_copies'), policy).toBeGreaterThan(0)
    }
  })

  test('snapshot and prefork-server with swap: mapcount leaks what a swap entry shares', () => {
    for (const table of [
      cells('snapshot', { snapshots: 2, pages: 2048, swap: true }),
      cells('prefork-server', { requests: 2500, swap: true }),
    ]) {
      expect(showing('leaks', table)).toContain('mapcount')
      expect(showing('violations', table)).toEqual([
        ...['mapcount', 'on-demand-fork'],
        // As recorded: reclaim takes the table away from all sharers but the last.
        'cow-pte-owner',
      ])
    }
  })

  test('cow-table-fork: shared tables save most of the fork, accounted ones little of it', () => {
    const tables = ['on-demand-fork', 'cow-pte-owner', 'cow-pte-accounted']
    const table = cells('cow-table-fork', { runs: 4 }, ['mm-id', ...tables])
    const copied = value(table, 'mm-id', 'fork_ns')
    expect(value(table, 'on-demand-fork', 'fork_ns')).toBeLessThan(copied / 5)
    expect(value(table, 'cow-pte-accounted', 'fork_ns')).toBeGreaterThan(copied / 2)
    expect(value(table, 'cow-pte-accounted', 'fork_ns')).toBeLessThan(copied)
    for (const policy of tables) {
      expect(value(table, policy, 'copies'), policy).toBe(value(table, 'mm-id', 'copies'))
      // 4 areas of the image and the bookkeeping, in each of 4 runs, at most.
      expect(value(table, policy, 'table_copies'), policy).toBeLessThanOrEqual(4 * 5)
      const peak = value(table, policy, 'peak_table_frames')
      expect(peak, policy).toBeLessThan(0.55 * value(table, 'mm-id', 'peak_table_frames'))
    }
  })

  test('cow-table-fork: the image is of 1 GiB, and every copy is needed, whoever makes it', () => {
    // 512 areas of 2 MiB; the test's own is smaller.
    const workload = WORKLOADS.find(({ name }) => name === 'cow-table-fork')
    expect(workload?.params['areas']?.default).toBe(512)
    const table = small('cow-table-fork')
    const [all] = [...table.values()].map(({ copies }) => copies)
    for (const [policy, { copies, needed_copies }] of table)
      expect([copies, needed_copies], policy).toEqual([all, all])
  })

  test('fork-exec: fork is the largest part of the time, and sharing four tables saves none altogether', () => {
    const table = small('fork-exec')
    for (const policy of ['mapcount', 'page-count', 'anon-exclusive', 'mm-id']) {
      const { fork_ns, fault_ns, exit_ns } = table.get(policy) ?? expect.fail(policy)
      expect(fork_ns, policy).toBeGreaterThan(Math.max(fault_ns, exit_ns))
    }
    const time = (policy: string, part: 'fork_ns' | 'total_ns'): number =>
      value(table, policy, part) / value(table, 'reuse-swap-page', part)
    for (const policy of ['on-demand-fork', 'cow-pte-owner']) {
      expect(time(policy, 'fork_ns'), policy).toBeLessThan(0.8)
      expect(time(policy, 'total_ns'), policy).toBeGreaterThan(0.98)
    }
    expect(time('on-demand-fork', 'total_ns')).toBeGreaterThan(1.05)
  })
})

describe('bg and fh', () => {
  const FEW = ['always-copy', 'mapcount', 'page-count', 'mm-id', 'on-demand-fork']

  test('fh: pages * (rounds + 1) faults, pages * rounds copies, all needed, whatever the policy', () => {
    const table = cells('fh', { pages: 512, rounds: 3 }, FEW)
    expect(table.size).toBe(5)
    for (const [policy, values] of table)
      expect([values.store_faults, values.copies, values.needed_copies], policy).toEqual([
        512 * 4,
        512 * 3,
        512 * 3,
      ])
  })

  test('bg: one fault for each page filled and for each distinct page that a round stores to', () => {
    const given = { pages: 512, rounds: 3, accesses: 400 }
    const workload = WORKLOADS.find((w) => w.name === 'bg')
    if (!workload) throw new Error('unknown workload: bg')
    // After the fill, a round is what lies between one fork and the next: 800 stores.
    const { segments, args } = buildTrace(workload, given, 1)
    let faults = 0
    let stored = new Set<number>()
    for (let s = 0; s < segments.length; s += SEGMENT) {
      if (segments[s] === OP_FORK) stored = new Set()
      if (segments[s] !== OP_STORE) continue
      for (const vpn of args.subarray(segments[s + 2], segments[s + 3])) {
        if (!stored.has(vpn)) faults++
        stored.add(vpn)
      }
    }
    expect(faults).toBeGreaterThan(512 + 3 * 100)
    const table = cells('bg', given, FEW)
    for (const policy of FEW) expect(value(table, policy, 'store_faults'), policy).toBe(faults)
    expect(showing('spurious_copies', table)).toEqual(['always-copy'])
  })
})

describe('clairvoyant', () => {
  for (const { name } of WORKLOADS.filter((w) => w.inQuickRun))
    test(`${name}: breaks no promise, and copies no more than any policy that breaks none`, () => {
      const table = small(name)
      expect(value(table, 'clairvoyant', 'violations')).toBe(0)
      const least = value(table, 'clairvoyant', 'copies')
      for (const [policy, { violations, copies }] of table)
        if (violations === 0) expect(copies, policy).toBeGreaterThanOrEqual(least)
    })
})
