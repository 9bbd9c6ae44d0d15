/** Truth against the oracle: random paths on two machines, one judged by each. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { HUGE_ORDER } from '../geometry.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { litmusMachine, missingCapability } from '../run.ts'
import { OK } from '../sim/answers.ts'
import { DEV_LEAK } from '../trace/observed.ts'
import {
  MADV_MERGEABLE,
  MAP_PRIVATE_ANON,
  OP_CLEAR_REFS,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_FORK,
  OP_LOAD,
  OP_MADVISE,
  OP_MMAP,
  OP_PIN,
  OP_SPAWN,
  OP_STORE_SAME,
  OP_UNPIN,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'
import { type Action, act, enabled } from './actions.ts'
import { emptyWorld } from './explore.ts'
import { MODELS } from './models.ts'
import { LEAK, LOST_EVENT, MOST_PROCESSES, NO_BREACH } from './truth.ts'

vi.mock('../geometry.ts', () => ({ HUGE_ORDER: 2 }))

const SEED = 20_200_527
const CASES = POLICIES.flatMap((policy) =>
  MODELS.filter(({ name }) => name === 'ksm' || name === 'union').map(
    (model) => [policy.name, model.name, policy, model] as const,
  ),
)

test.each(CASES)(
  'under %s in %s the small truth says what the oracle says',
  (...[, , policy, given]) => {
    const thp = given.thp && missingCapability(policy, ['thp']) === undefined
    const model = { ...given, thp }
    fc.assert(
      fc.property(fc.array(fc.nat(model.actions.length - 1), { maxLength: 60 }), (picks) => {
        const world = emptyWorld({ policy, params: {} }, model)
        const cost = DEFAULT_PROFILE
        const engine = litmusMachine({ policy, params: {}, cost })
        const oracle = engine.machine.judge as Oracle
        engine.apply(OP_SPAWN, 0)
        const prot = PROT_READ | PROT_WRITE
        engine.apply(OP_MMAP, 0, 0, 4, MAP_PRIVATE_ANON, prot, thp ? HUGE_ORDER : 0, 0, 0)
        if (model.mergeable) engine.apply(OP_MADVISE, 0, 0, 4, MADV_MERGEABLE)
        // Pins of the oracle's machine are never called by one name twice.
        const taken: number[] = []
        let [born, pins, contents] = [1, 0, 0]
        for (const pick of picks) {
          const action = model.actions[pick] as Action
          if (!enabled(world, action, model.processes + 9, model.pins)) continue
          if (action.op === OP_FORK && born === MOST_PROCESSES) continue
          const { op, who, vpn, pages, value } = action
          const pin = [0, 1, 2, 3].find((free) => !world.machine.k.pins.has(free)) ?? 0
          const before = { ...oracle.counts }
          const answer = act(world, action, born, pin)
          let other: number
          if (op === OP_FORK) other = engine.apply(op, who, born)
          else if (op === OP_PIN) other = engine.apply(op, who, vpn, 1, value, pins)
          else if (op === OP_UNPIN || op === OP_DEVWRITE)
            other = engine.apply(op, 0, taken[who] ?? -1)
          else if (op === OP_CLEAR_REFS) other = engine.apply(op, who, value)
          else if (op === OP_STORE_SAME) other = storeSame(who, vpn, pages, ++contents)
          else other = engine.apply(op, who, vpn, pages, value)
          expect(other).toBe(answer)
          if (op === OP_FORK) born++
          if (op === OP_PIN) taken[pin] = pins++
          const now = oracle.counts
          expect(world.truth.breach === LOST_EVENT).toBe(now.lost_events > before.lost_events)
          expect(world.truth.missedReuse).toBe(now.missed_reuses > before.missed_reuses)
          if (op === OP_LOAD) expect(world.truth.breach !== NO_BREACH).toBe(engine.lastSaw !== 0)
          compareLooks()
          // After a breach both go on from what each of them makes of it.
          if (world.look() !== undefined || world.truth.breach !== NO_BREACH) return
        }
        function storeSame(who: number, vpn: number, pages: number, content: number): number {
          let answer = OK
          for (let page = vpn; page < vpn + pages && answer === OK; page++) {
            answer = engine.apply(OP_STORE_SAME, who, page, content)
          }
          return answer
        }
        function compareLooks(): void {
          const { truth } = world
          for (const [id, mm] of world.machine.k.mms.entries()) {
            for (let page = 0; mm !== undefined && page < 4; page++) {
              const vma = mm.find(page)
              if (vma === undefined || world.engine.frameOf(id, page) < 0) continue
              const breach = truth.loadBreach(id, page, world.bytesAt(id, page))
              engine.apply(OP_LOAD, id, page)
              expect(breach !== NO_BREACH).toBe(engine.lastSaw !== 0)
            }
          }
          if (world.look()?.pin === -1) return
          for (const { id: pin } of world.machine.k.pins.values()) {
            const mapped = world.bytesAt(truth.pinOwner[pin] ?? 0, truth.pinPage[pin] ?? 0)
            const breach = truth.pinBreach(pin, world.pinned(pin), mapped)
            const { lost_coherence } = oracle.counts
            engine.apply(OP_DEVREAD, 0, taken[pin] ?? -1, 0)
            expect(breach === LEAK).toBe(engine.lastDev === DEV_LEAK)
            if (breach !== LEAK) {
              expect(breach !== NO_BREACH).toBe(oracle.counts.lost_coherence > lost_coherence)
            }
          }
        }
      }),
      { seed: SEED, numRuns: 300 },
    )
  },
)
