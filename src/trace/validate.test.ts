/** validate.test: sound traces have no problems, and every rule has a trace that breaks it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MADV_DONTFORK,
  OP_BEGIN,
  OP_FORK,
  OP_MADVISE,
  OP_MMAP,
  OP_STEP,
  OP_STORE,
  PIN_DMAPIN,
  PIN_ROPIN,
} from './ops.ts'
import { RETRACT_ALL, SET_RETRACT } from './settings.ts'
import { STEP_ALL, STEP_LOCK, STEP_NEXT } from './steps.ts'
import { type Trace, TraceWriter } from './trace.ts'
import { TraceValidator, validateTrace } from './validate.ts'

function written(write: (t: TraceWriter, mm: number) => void): Trace {
  const t = new TraceWriter()
  const mm = t.spawn()
  t.mmap(mm, 0, 16, 0, 2)
  write(t, mm)
  return t.finish()
}

const problems = (trace: Trace): string[] =>
  validateTrace(trace).map(({ event, problem }) => `${event} ${problem}`)

/** Segments and operands as they could come from a damaged file. */
function raw(processes: number, ...rows: [op: number, mm: number, ...operands: number[]][]): Trace {
  const segments: number[] = []
  const args: number[] = []
  for (const [op, mm, ...operands] of rows) {
    segments.push(op, mm, args.length, args.length + operands.length)
    args.push(...operands)
  }
  return {
    segments: Int32Array.from(segments),
    args: Int32Array.from(args),
    events: rows.length,
    processes,
  }
}

describe('a sound trace', () => {
  test('has no problems, whatever it does with mappings, processes and pins', () => {
    const trace = written((t, mm) => {
      t.store(mm, 15)
      const pin = t.pin(mm, 3, 2, PIN_ROPIN)
      t.devread(mm, pin, 1)
      t.unpin(mm, pin)
      t.munmap(mm, 4, 4)
      t.mmap(mm, 5, 2, 0, 1)
      t.mremap(mm, 8, 4, 600)
      t.load(mm, 603)
      const child = t.fork(mm)
      t.store(child, 603)
      t.exec(child)
      t.mmap(child, 603, 1, 0, 2)
      t.store(child, 603)
      t.exit(child)
      t.drain()
    })
    expect(problems(trace)).toEqual([])
  })

  test('may say what concerns the whole machine when its first process has exited', () => {
    const trace = written((t, mm) => {
      const child = t.fork(mm)
      t.exit(mm)
      t.writeback(child, 0, 1)
      t.writebackEnd()
      t.drain()
      t.ksmWait()
      t.set(SET_RETRACT, RETRACT_ALL)
    })
    expect(problems(trace)).toEqual([])
  })
})

describe('an operation in steps', () => {
  test('is reclaim that goes on when the process has exited', () => {
    const trace = written((t, mm) => {
      const reclaim = t.beginSwapout(mm, 3)
      t.step(mm, reclaim, STEP_NEXT)
      t.exit(mm)
      t.step(mm, reclaim, STEP_ALL)
    })
    expect(problems(trace)).toEqual([])
  })

  test('is as sound as it would be alone', () => {
    const trace = written((t, mm) => {
      const reclaim = t.beginSwapout(mm, 3)
      t.step(mm, reclaim, STEP_LOCK)
      const { task, pin } = t.beginPin(mm, 3, PIN_DMAPIN)
      t.unpin(mm, pin) // waits
      t.step(mm, task, STEP_ALL)
      t.step(mm, reclaim, STEP_ALL)
      t.devread(mm, pin, 0)
      t.unpin(mm, pin)
      const store = t.beginStore(mm, 3)
      const fork = t.beginFork(mm)
      t.step(mm, fork.task, STEP_ALL)
      t.step(mm, store, STEP_ALL)
      t.load(fork.child, 3)
    })
    expect(problems(trace)).toEqual([])
  })

  test('is refused for what it would be refused for alone, and for having no steps', () => {
    const { segments, args } = written((t, mm) => t.beginStore(mm, 99))
    expect(problems({ segments, args, events: 3, processes: 1 })).toEqual([
      '2 begin: page 99 of process 0 is not mapped',
    ])
    const begun = [OP_BEGIN, 0, 0, OP_FORK, 1, 0, 0] as [number, number, ...number[]]
    const other = [OP_BEGIN, 0, 1, OP_MADVISE, 0, 0, 0] as [number, number, ...number[]]
    expect(
      problems(raw(2, [2, 0], begun, begun, other, [OP_STEP, 0, 7, 0], [OP_STEP, 0, 0, 99])),
    ).toEqual([
      '2 begin: task 0 was begun before',
      '3 begin: madvise has no steps',
      '4 step: task 7 was never begun',
      '5 step: unknown step: 99',
    ])
  })
})

describe('a problem is named with its event', () => {
  test('a process that was never started, or has exited, or is started twice', () => {
    expect(
      problems(
        written((t, mm) => {
          const child = t.fork(mm) // event 2
          t.exit(child)
          t.store(child, 0)
          t.exit(child)
        }),
      ),
    ).toEqual(['4 store: process 1 has exited', '5 exit: process 1 has exited'])
    expect(problems(raw(9, [OP_STORE, 7, 0]))).toEqual(['0 store: process 7 was never started'])
    expect(problems(raw(2, [2, 0], [OP_FORK, 0, 0]))).toEqual([
      '1 fork: process 0 was started before',
    ])
    expect(problems(raw(2, [2, 0], [OP_FORK, 0, 2]))).toEqual([
      "1 fork: process 2 is outside the trace's 2 processes",
    ])
  })

  test('an access to what is not mapped, each page by itself', () => {
    expect(
      problems(
        written((t, mm) => {
          for (const vpn of [15, 16, 0, 17]) t.store(mm, vpn) // events 2 to 5
        }),
      ),
    ).toEqual([
      '3 store: page 16 of process 0 is not mapped',
      '5 store: page 17 of process 0 is not mapped',
    ])
  })

  test('one content stored to what is not mapped', () => {
    const stored = written((t, mm) => t.storeSame(mm, [15, 16])) // events 2 and 3
    expect(problems(stored)).toEqual(['3 writesame: page 16 of process 0 is not mapped'])
  })

  test('a child has its parent’s mappings without those under DONTFORK', () => {
    expect(
      problems(
        written((t, mm) => {
          t.madvise(mm, 4, 2, MADV_DONTFORK)
          const child = t.fork(mm)
          for (const vpn of [3, 4, 5, 6]) t.load(child, vpn)
        }),
      ),
    ).toEqual([
      '5 load: page 4 of process 1 is not mapped',
      '6 load: page 5 of process 1 is not mapped',
    ])
  })

  test('a mapping over another one, and a move onto one', () => {
    expect(problems(written((t, mm) => t.mmap(mm, 15, 2, 0, 2)))).toEqual([
      '2 mmap: pages [15, 17) overlap the mapping [0, 16)',
    ])
    expect(problems(written((t, mm) => t.mremap(mm, 0, 2, 8)))).toEqual([
      '2 mremap: pages [8, 10) overlap the mapping [2, 16)',
    ])
    expect(problems(written((t, mm) => t.mremap(mm, 15, 2, 100)))).toEqual([
      '2 mremap: page 16 of process 0 is not mapped',
    ])
  })

  test('operands out of range', () => {
    expect(problems(written((t, mm) => t.mmap(mm, 64, 0, 0, 2)))).toEqual([
      '2 mmap: pages [64, 64) are outside [0, 2147483647)',
    ])
    expect(problems(written((t, mm) => t.mmap(mm, 64, 1, 3, 2)))).toEqual([
      '2 mmap: unknown kind: 3',
    ])
    expect(problems(written((t, mm) => t.mmap(mm, 64, 1, 0, 4)))).toEqual([
      '2 mmap: unknown protection: 4',
    ])
    expect(problems(written((t, mm) => t.mmap(mm, 64, 1, 0, 2, 10)))).toEqual([
      '2 mmap: folio order 10',
    ])
    expect(problems(written((t, mm) => t.mmap(mm, 64, 1, 1, 2, 0, -1)))).toEqual([
      '2 mmap: object -1 at page 0',
    ])
  })

  test('a pin that was never taken, is taken twice, or is not that long', () => {
    expect(
      problems(
        written((t, mm) => {
          const pin = t.pin(mm, 0, 2, PIN_ROPIN)
          t.devread(mm, pin, 2)
          t.unpin(mm, pin + 1)
        }),
      ),
    ).toEqual(["3 devread: page 2 of pin 0's 2", '4 unpin: pin 1 was never taken'])
    expect(problems(raw(1, [2, 0], [11, 0, 0, 1, 0, 5], [11, 0, 0, 1, 0, 5]))).toEqual([
      '2 pin: pin 5 was taken before',
    ])
  })

  test('a pin that is used, or given back, once it was given back', () => {
    const trace = written((t, mm) => {
      const pin = t.pin(mm, 0, 2, PIN_ROPIN)
      t.unpin(mm, pin) // event 3
      t.devread(mm, pin, 0)
      t.unpin(mm, pin)
      t.unpin(mm, t.pin(mm, 0, 2, PIN_ROPIN))
    })
    expect(problems(trace)).toEqual([
      '4 devread: pin 0 was given back before',
      '5 unpin: pin 0 was given back before',
    ])
  })

  test('a kind of pin and an advice that there is not', () => {
    const trace = written((t, mm) => {
      t.pin(mm, 0, 2, 5)
      t.beginPin(mm, 0, 5)
      t.madvise(mm, 0, 1, 9)
    })
    expect(problems(trace)).toEqual([
      '2 pin: unknown kind: 5',
      '3 begin: unknown kind: 5',
      '4 madvise: unknown advice: 9',
    ])
  })

  test('an unknown operation or a wrong number of operands ends the search', () => {
    expect(problems(raw(1, [2, 0], [99, 0, 1], [OP_STORE, 5, 0]))).toEqual([
      '1 unknown operation: 99',
    ])
    expect(problems(raw(1, [2, 0], [OP_MMAP, 0, 1, 2]))).toEqual(['1 mmap: 2 operands, expected 7'])
    const gap = raw(1, [2, 0], [OP_FORK, 0, 1])
    gap.segments[6] = 1
    expect(problems(gap)).toEqual(['1 operands [1, 1) do not follow those before, which end at 0'])
  })

  test('a number of events that is not the trace’s own', () => {
    expect(problems({ ...raw(1, [2, 0]), events: 3 })).toEqual(['1 1 events, the trace says 3'])
  })

  test('no more problems are given than asked for', () => {
    const trace = written((t, mm) => {
      for (let i = 0; i < 100; i++) t.store(mm, 100 + i)
    })
    expect(validateTrace(trace)).toHaveLength(20)
    expect(validateTrace(trace, 3)).toHaveLength(3)
  })

  test('whatever the words are, the search ends with an answer', () => {
    fc.assert(
      fc.property(fc.int32Array(), fc.int32Array(), (segments, args) => {
        const trace = { segments, args, events: segments.length, processes: 4 }
        expect(Array.isArray(validateTrace(trace))).toBe(true)
      }),
    )
  })
})

test('which process has not exited is known at any time', () => {
  const validator = new TraceValidator()
  const alive: (number | undefined)[] = [validator.alive]
  const t = new TraceWriter(0, {
    handOut: (chunk) => {
      validator.take(chunk, 1)
      alive.push(validator.alive)
    },
  })
  const mm = t.spawn()
  const child = t.fork(mm)
  for (const end of [() => {}, () => t.exit(mm), () => t.exit(child)]) {
    end()
    t.finish()
  }
  expect(alive).toEqual([undefined, mm, child, undefined])
})
