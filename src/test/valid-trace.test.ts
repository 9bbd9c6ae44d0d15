import { describe, expect, test } from 'vitest'
import {
  MADV_DONTFORK,
  MAP_PRIVATE_ANON,
  PIN_IOURING,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'
import { TraceWriter } from '../trace/trace.ts'
import { replay } from './valid-trace.ts'

describe('a replay', () => {
  const refused: [string, (t: TraceWriter) => void, string][] = [
    [
      'an access to a page that is not mapped',
      (t) => t.load(t.spawn(), 3),
      'page 3 does not allow',
    ],
    ['a store to a read-only page', (t) => t.store(mapped(t, PROT_READ), 0), 'page 0 does not'],
    [
      'a mapping over another',
      (t) => t.mmap(mapped(t), 0, 1, MAP_PRIVATE_ANON, PROT_READ),
      'mapped already',
    ],
    [
      'an area inside 2 MiB',
      (t) => t.mmap(mapped(t), 100, 1, MAP_PRIVATE_ANON, PROT_READ),
      'not on a 2 MiB boundary',
    ],
    ['unmapping a hole', (t) => t.munmap(mapped(t), 4, 8), 'a page does not allow it'],
    ['a process that has exited', (t) => gone(t, (mm) => t.load(mm, 0)), 'no such process'],
    [
      'a pin that exit has dropped',
      (t) => gone(t, (mm, pin) => t.unpin(mm, pin)),
      'no such process',
    ],
    ['a page outside the pin', (t) => pinned(t, (mm, pin) => t.devread(mm, pin, 2)), 'outside'],
    [
      "a child's use of its parent's pin",
      (t) => pinned(t, (mm, pin) => t.unpin(t.fork(mm), pin)),
      'another',
    ],
    ['an access to what fork left out', (t) => t.load(dontfork(t), 1), 'page 1 does not allow'],
    ['a reference that is never dropped', (t) => t.get(mapped(t), 1), '1 speculative references'],
  ]

  const mapped = (t: TraceWriter, prot = PROT_READ | PROT_WRITE): number => {
    const mm = t.spawn()
    t.mmap(mm, 0, 8, MAP_PRIVATE_ANON, prot)
    return mm
  }
  const pinned = (t: TraceWriter, then: (mm: number, pin: number) => void): void => {
    const mm = mapped(t)
    then(mm, t.pin(mm, 0, 2, PIN_IOURING))
  }
  const gone = (t: TraceWriter, then: (mm: number, pin: number) => void): void =>
    pinned(t, (mm, pin) => {
      t.exit(mm)
      then(mm, pin)
    })
  const dontfork = (t: TraceWriter): number => {
    const mm = mapped(t)
    t.madvise(mm, 0, 2, MADV_DONTFORK)
    return t.fork(mm)
  }

  for (const [what, generate, message] of refused)
    test(`refuses ${what}`, () => {
      const writer = new TraceWriter()
      generate(writer)
      expect(() => replay(writer.finish())).toThrow(message)
    })
})
