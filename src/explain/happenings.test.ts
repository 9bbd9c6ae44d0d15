/** happenings.test: what the events of a trace are called. */
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { litmusMachine } from '../run.ts'
import {
  MADV_DONTFORK,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_UNMERGEABLE,
  MAP_PRIVATE_ANON,
  MAP_SHARED,
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_ODIRECT,
  PIN_ROPIN,
  PIN_VMSPLICE,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'
import { SET_RETRACT } from '../trace/settings.ts'
import { TraceWriter } from '../trace/trace.ts'
import { eventsOf } from './happenings.ts'

const RW = PROT_READ | PROT_WRITE

function told(write: (t: TraceWriter, mm: number) => void): string[] {
  const t = new TraceWriter()
  write(t, t.spawn())
  const policy = POLICIES.find(({ name }) => name === 'mm-id') as PolicyDefinition
  const cost = DEFAULT_PROFILE
  const engine = litmusMachine({ policy, params: {}, cost })
  return [...eventsOf(t.finish(), engine)].map(({ n, text }) => `${n} ${text}`)
}

test('kinds, protections and advice have their words, whatever their numbers', () => {
  const lines = told((t, mm) => {
    t.mmap(mm, 0, 512, MAP_PRIVATE_ANON, RW, 9)
    t.mmap(mm, 512, 1, MAP_SHARED, PROT_READ)
    t.mprotect(mm, 0, 1, PROT_READ)
    t.mprotect(mm, 0, 1, RW)
    for (const advice of [MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTFORK, MADV_UNMERGEABLE])
      t.madvise(mm, 0, 1, advice)
    for (const kind of [PIN_VMSPLICE, PIN_IOURING, PIN_ODIRECT, PIN_DMAPIN, PIN_ROPIN])
      t.pin(mm, 0, 1, kind)
    t.store(mm, 7)
  })
  expect(lines).toEqual([
    '0 process 0 spawn',
    '1 process 0 mmap vpn 0 pages 512 kind anon prot 3 folioOrder 9 object 0 pgoff 0',
    '2 process 0 mmap vpn 512 pages 1 kind shared prot 1 folioOrder 0 object 0 pgoff 0',
    '3 process 0 mprotect vpn 0 pages 1 prot ro',
    '4 process 0 mprotect vpn 0 pages 1 prot rw',
    '5 process 0 madvise vpn 0 pages 1 advice hugepage',
    '6 process 0 madvise vpn 0 pages 1 advice nohugepage',
    '7 process 0 madvise vpn 0 pages 1 advice dontfork',
    '8 process 0 madvise vpn 0 pages 1 advice unmergeable',
    '9 process 0 pin vpn 0 pages 1 kind vmsplice pin 0',
    '10 process 0 pin vpn 0 pages 1 kind iouring pin 1',
    '11 process 0 pin vpn 0 pages 1 kind odirect pin 2',
    '12 process 0 pin vpn 0 pages 1 kind dmapin pin 3',
    '13 process 0 pin vpn 0 pages 1 kind ropin pin 4',
    '14 process 0 store vpn 7',
  ])
})

test('what concerns the whole machine names no process', () => {
  const lines = told((t, mm) => {
    t.exit(mm)
    t.drain()
    t.ksmWait()
    t.writebackEnd()
    t.set(SET_RETRACT, 2)
  })
  expect(lines.slice(2)).toEqual([
    '2 drain',
    '3 ksmwait',
    '4 writebackend',
    `5 set setting ${SET_RETRACT} value 2`,
  ])
})
