/** differential: one litmus test in both models, and where they first part. */
import { parseLitmus } from '../../litmus/parse.ts'
import { runLitmus } from '../../litmus/run.ts'
import type { Model } from '../litmus-models.ts'
import { kernelNamed, ownEra } from './kernels.ts'
import { runCow } from './litmus-runner.ts'
import type { Mix } from './random-cow.ts'
import { policyNamed } from './rules.ts'
import type { Setting } from './world.ts'

export interface State {
  readonly drained: boolean
  readonly diskSwap: boolean
}

/** The rules and era that the reference model has under this name: a kernel's or a policy's. */
export function settingOf(name: string): Setting {
  return /^\d/.test(name) ? kernelNamed(name) : { rules: policyNamed(name), era: ownEra(name) }
}

/** What random tests of this kernel or policy may contain. */
export function mixOf(name: string): Mix {
  const { rules, era } = settingOf(name)
  // The 2009 proposals knew pages only.
  const huge = rules.id !== 'no-unmap-gup' && rules.id !== 'early-decow'
  return { uffdWp: era.uffdWp, softDirty: era.softDirty, huge }
}

/** The first operation on which the simulator and the reference model differ, or null. */
export function firstDifference(text: string, model: Model, state: State): string | null {
  const machines = model.machines({ swapDisk: state.diskSwap })
  const { drained } = state
  const fast = runLitmus(parseLitmus(text, 'random.cow'), machines, {
    policy: model.policy,
    drained,
  })
  const slow = runCow(text, { ...settingOf(model.name), ...state })
  for (const [i, outcome] of slow.entries()) {
    const seen = fast[i]
    const here = [outcome.outcome, ...outcome.flags].join(' ')
    const there = [seen?.outcome, ...(seen?.flags ?? [])].join(' ')
    if (here !== there) return `${outcome.n} ${outcome.op}: reference ${here}, simulator ${there}`
  }
  return null
}
