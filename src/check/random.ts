/**
 * random: longer sequences than can be tried out, drawn by fast-check, which then shrinks what it finds.
 */
import fc from 'fast-check'
import { type Action, act, enabled } from './actions.ts'
import { emptyWorld, type Finding } from './explore.ts'
import type { Model } from './models.ts'
import { type SharedPlace, setDone, setUnderWay } from './place.ts'
import { StateCodec } from './state.ts'
import type { WorldSettings } from './world.ts'

export interface RandomOptions {
  readonly seconds: number
  readonly seed: number
  /** Told now and then how many were drawn. */
  readonly progress?: (sequences: number) => void
  /** Where the sequence under way is kept, if the policy is one of one's own. */
  readonly place?: SharedPlace
}

export interface RandomResult {
  readonly sequences: number
  readonly finding: Finding | undefined
}

/** Actions drawn for one sequence; about a third of them can be done. */
const LONGEST = 90

/** Sequences between two calls of `progress`. */
const STRIDE = 10

export function searchRandomly(
  settings: WorldSettings,
  model: Model,
  { seconds, seed, progress, place }: RandomOptions,
): RandomResult {
  const world = emptyWorld(settings, model)
  const codec = new StateCodec(world)
  codec.save()
  const empty = codec.list.slice(0, codec.length)
  let finding: Finding | undefined
  let drawn = 0

  /** Does what of the drawn actions can be done; returns whether nothing was breached. */
  const run = (picks: readonly number[]): boolean => {
    if (++drawn % STRIDE === 0) progress?.(drawn)
    const path: Action[] = []
    const done: number[] = []
    codec.restore(empty, 0)
    for (const pick of picks) {
      const action = model.actions[pick] as Action
      if (!enabled(world, action, model.processes, model.pins)) continue
      codec.save()
      if (place !== undefined) {
        setDone(place, done)
        setUnderWay(place, pick)
      }
      if (act(world, action) !== 0) {
        // What was refused has done nothing, or nothing that a .cow file could go on from.
        codec.restore(codec.list, 0)
        continue
      }
      path.push(action)
      done.push(pick)
      const broken = world.broken()
      if (broken !== undefined) {
        finding = { path, ...broken }
        return false
      }
      codec.save()
      codec.restore(codec.list, 0)
    }
    return true
  }

  const picks = fc.array(fc.nat(model.actions.length - 1), { maxLength: LONGEST, size: 'max' })
  const result = fc.check(fc.property(picks, run), {
    ...{ seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: 1000 * seconds },
    markInterruptAsFailure: false,
  })
  // What was run last need not be what shrinking ended with.
  finding = undefined
  if (result.counterexample !== null) run(result.counterexample[0])
  return { sequences: result.numRuns, finding }
}
