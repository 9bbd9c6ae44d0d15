/** Is a list all that a world's future depends on? Random paths, in a world that goes on and in one that is kept as a list. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { missingCapability } from '../run.ts'
import { OP_BEGIN, OP_DEVWRITE, OP_FORK, OP_PIN, OP_STEP, OP_UNPIN } from '../trace/ops.ts'
import { type Action, act, enabled } from './actions.ts'
import { emptyWorld, explore } from './explore.ts'
import { MODELS, type Model } from './models.ts'
import { StateCodec } from './state.ts'
import { MOST_PROCESSES } from './truth.ts'

vi.mock('../geometry.ts', () => ({ HUGE_ORDER: 2 }))

const SEED = 20_220_207
/** Actions of a path; of those drawn about a third can be done. */
const LENGTH = 40

const models = MODELS.flatMap((model) =>
  POLICIES.filter((policy) => missingCapability(policy, model.needs) === undefined).map(
    (policy) => [policy.name, model.name] as const,
  ),
)

function pairOf(policyName: string, modelName: string) {
  const policy = POLICIES.find(({ name }) => name === policyName) ?? POLICIES[0]
  const model = MODELS.find(({ name }) => name === modelName) as Model
  if (policy === undefined) throw new Error('no policies')
  return { settings: { policy, params: {} }, model }
}

test.each(models)('%s in %s goes on from its list as it would have gone on', (policy, name) => {
  const { settings, model } = pairOf(policy, name)
  fc.assert(
    fc.property(fc.array(fc.nat(model.actions.length - 1), { maxLength: LENGTH }), (picks) => {
      // `kept` is thrown away after every action and made again from its list; `going` never is.
      const kept = emptyWorld(settings, model)
      const keptList = new StateCodec(kept)
      const going = emptyWorld(settings, model)
      const goingList = new StateCodec(going)
      let processes = [0]
      let pins: number[] = []
      let tasks: number[] = []
      let begun = 0
      let born = 1
      keptList.save()
      keptList.restore(keptList.list, 0)
      for (const pick of picks) {
        const action = model.actions[pick] as Action
        if (!enabled(kept, action, model.processes, model.pins)) continue
        const op = action.op === OP_BEGIN ? action.value : action.op
        if (op === OP_FORK && born === MOST_PROCESSES) continue
        const ofPin = op === OP_UNPIN || op === OP_DEVWRITE
        const names = op === OP_STEP ? tasks : ofPin ? pins : processes
        const same = { ...action, who: names[action.who] ?? 0 }
        const pin = [0, 1, 2, 3].find((free) => !pins.includes(free)) ?? 0
        const answer = act(kept, action)
        expect(act(going, same, born, pin, begun)).toBe(answer)
        expect(going.truth.breach).toBe(kept.truth.breach)
        expect(going.truth.missedReuse).toBe(kept.truth.missedReuse)
        expect(going.look()?.breach).toBe(kept.look()?.breach)
        // The search does not go on from what was refused either, and pages may have come in meanwhile.
        if (answer !== 0) return
        if (action.op === OP_BEGIN) tasks.push(begun++)
        tasks = kept.machine.tasks.map(({ id }) => tasks[id] ?? -1)
        if (op === OP_FORK) processes.push(born++)
        if (op === OP_PIN) pins.push(pin)
        keptList.save()
        goingList.save()
        const list = [...keptList.list.subarray(0, keptList.length)]
        expect([...goingList.list.subarray(0, goingList.length)]).toEqual(list)
        const [oldProcesses, oldPins] = [processes, pins]
        processes = keptList.order.map((id) => oldProcesses[id] ?? -1)
        for (const { op: forks, operand } of kept.machine.tasks) {
          const unborn = forks === OP_FORK && kept.mm(operand) === undefined
          if (unborn) processes.push(oldProcesses[operand] ?? -1)
        }
        pins = []
        for (const [old, name] of oldPins.entries()) {
          const now = keptList.pinName[old] ?? -1
          if (now >= 0) pins[now] = name
        }
        keptList.restore(keptList.list, 0)
      }
    }),
    { seed: SEED, numRuns: 60 },
  )
})

test.each([
  ['mapcount', 'fork-pin', 5],
  ['page-count', 'swap', 4],
  ['mm-id', 'fork-pin', 5],
  ['mm-id', 'family', 4],
  ['on-demand-fork', 'tables', 4],
  ['anon-exclusive', 'thp', 4],
] as const)(
  '%s in %s to depth %i: nothing is lost by calling things alike',
  (policy, name, depth) => {
    const { settings, model } = pairOf(policy, name)
    for (const goal of ['violation', 'missed-reuse'] as const) {
      const options = { depth, goal, every: true, memory: 2 ** 30 }
      const reduced = explore(settings, model, options)
      const whole = explore(settings, model, { ...options, symmetry: false })
      const lengths = ({ findings }: typeof whole) => findings.map(({ path }) => path.length)
      expect(lengths(reduced)).toEqual(lengths(whole))
      expect(reduced.states).toBeLessThan(whole.states)
    }
  },
)
