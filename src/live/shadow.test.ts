/** shadow.test: what a load may find after MADV_FREE, with and without a pin. */
import { expect, test } from 'vitest'
import { parseLitmus } from '../litmus/parse.ts'
import { DEV_COHERENT, DEV_INCOHERENT, DEV_NOLEAK, SAW_MISMATCH } from '../trace/observed.ts'
import { LiveShadow } from './shadow.ts'

const ZEROES = 0

/** The shadow after the operations, and the number of the first page of the last one. */
function after(...lines: readonly string[]): { shadow: LiveShadow; vpn: number } {
  const parsed = parseLitmus(lines.join('\n'), 'shadow')
  const shadow = new LiveShadow(parsed)
  for (const operation of parsed.operations) {
    shadow.done(operation)
    if (operation.text.startsWith('write')) shadow.store(operation.mm, operation.vpn, 7)
  }
  return { shadow, vpn: parsed.operations.at(-1)?.vpn ?? 0 }
}

test('what MADV_FREE gave up may be zeroes, and is from then on', () => {
  const { shadow, vpn } = after('spawn A', 'mmap A a 1', 'write A a', 'madvise A a free')
  expect([shadow.load(0, vpn, 7), shadow.load(0, vpn, ZEROES)]).toEqual([0, 0])
  expect(shadow.load(0, vpn, 7)).toBe(SAW_MISMATCH)
})

test('a store ends it', () => {
  const { shadow, vpn } = after('spawn A', 'mmap A a 1', 'madvise A a free', 'write A a')
  expect(shadow.load(0, vpn, ZEROES)).toBe(SAW_MISMATCH)
})

test('a pin from before keeps what it has, and one from after finds zeroes where the page is gone', () => {
  const early = after(
    'spawn A',
    'mmap A a 1',
    'pin A a P vmsplice',
    'write A a',
    'madvise A a free',
  )
  expect(early.shadow.deviceLoad(0, 0, ZEROES)).toBe(DEV_INCOHERENT)
  const late = after('spawn A', 'mmap A a 1', 'write A a', 'madvise A a free', 'pin A a P vmsplice')
  expect(late.shadow.deviceLoad(0, 0, ZEROES)).toBe(DEV_COHERENT)
})

test('a page in swap is gone at once', () => {
  const { shadow, vpn } = after('spawn A', 'mmap A a 1', 'write A a', 'pin A a P vmsplice')
  const freed = parseLitmus('spawn A\nmmap A a 1\nmadvise A a free', 'freed').operations[2]
  if (freed === undefined) throw new Error('three operations')
  shadow.reclaimed(0, vpn, true)
  shadow.done(freed)
  expect(shadow.deviceLoad(0, 0, 7)).toBe(DEV_NOLEAK)
  expect(shadow.load(0, vpn, ZEROES)).toBe(0)
})

test('a device store counts as the store of its owner wherever it goes, and is loaded only where it went', () => {
  const lines = ['spawn A', 'mmap A a 1', 'write A a', 'pin A a P iouring']
  const stored = (pfn: number): LiveShadow => {
    const { shadow, vpn } = after(...lines)
    shadow.pinned(0, 0, 5)
    shadow.deviceStore(0, 0, 8, pfn)
    expect(shadow.load(0, vpn, 8)).toBe(0)
    return shadow
  }
  expect(stored(5).deviceLoad(0, 0, 8)).toBe(DEV_COHERENT)
  const { shadow, vpn } = after(...lines)
  shadow.pinned(0, 0, 5)
  shadow.deviceStore(0, 0, 8, 6)
  expect([shadow.deviceLoad(0, 0, 8), shadow.deviceLoad(0, 0, 7)]).toEqual([
    DEV_INCOHERENT,
    DEV_COHERENT,
  ])
  expect(shadow.load(0, vpn, 7)).toBe(SAW_MISMATCH)
})

test('what O_DIRECT stored past its owner after a fork was never promised', () => {
  const { shadow } = after('spawn A', 'mmap A a 1', 'write A a', 'pin A a P odirect', 'fork A B')
  const { vpn } = after('spawn A', 'mmap A a 1')
  shadow.pinned(0, 0, 5)
  shadow.deviceStore(0, 0, 8, 6)
  expect(shadow.load(0, vpn, 7)).toBe(0)
})

test('what reclaim takes from a child is gone for the parent whose pin has the same frame', () => {
  const lines = ['spawn A', 'mmap A a 1', 'write A a', 'pin A a P iouring', 'madvise A a free']
  const { vpn } = after('spawn A', 'mmap A a 1')
  const found = (pinned: number): number[] => {
    const { shadow } = after(...lines, 'fork A B')
    shadow.pinned(0, 0, pinned)
    shadow.reclaimed(1, vpn, false, 6)
    return [shadow.deviceLoad(0, 0, 7), shadow.load(0, vpn, 7), shadow.load(1, vpn, 7)]
  }
  expect(found(6)).toEqual([DEV_NOLEAK, SAW_MISMATCH, SAW_MISMATCH])
  // What is pinned at fork is copied for the child.
  expect(found(5)).toEqual([DEV_COHERENT, 0, SAW_MISMATCH])
})

test('a device stores to shared memory, whatever the owner of the pin has unmapped', () => {
  for (const gone of ['madvise A a dontneed', 'munmap A a']) {
    const { shadow } = after('spawn A', 'mmap A a 1 shared', 'fork A B', 'pin A a P iouring', gone)
    const { vpn } = after('spawn A', 'mmap A a 1')
    shadow.deviceStore(0, 0, 8, 0)
    expect([shadow.load(1, vpn, 7), shadow.load(1, vpn, 8)]).toEqual([SAW_MISMATCH, 0])
  }
})
