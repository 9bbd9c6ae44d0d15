/** differential: one litmus test in both models, and where they first part. */
import { parseLitmus } from '../../litmus/parse.ts'
import { runLitmus } from '../../litmus/run.ts'
import { KERNEL_MODELS, type Model, POLICY_MODELS } from '../litmus-models.ts'
import { kernelNamed, ownEra } from './kernels.ts'
import { runCow } from './litmus-runner.ts'
import { type Mix, randomCow } from './random-cow.ts'
import { policyNamed } from './rules.ts'
import type { Setting } from './world.ts'

interface State {
  readonly drained: boolean
  readonly diskSwap: boolean
}

/** Measured as prototypes, and modelled as far as their records go: each model has its own idea of the rest. */
const PROTOTYPES = ['on-demand-fork', 'cow-pte-owner']

const STATES: readonly State[] = [
  { drained: false, diskSwap: false },
  { drained: true, diskSwap: true },
]

/** Every kernel and policy on which the two models have to agree. */
export function comparableModels(): Model[] {
  return [...KERNEL_MODELS, ...POLICY_MODELS].filter(({ policy }) => !PROTOTYPES.includes(policy))
}

/** Where the two models part on random tests of these seeds; each with the test, to run it again. */
export function differences(
  model: Model,
  { firstSeed, tests }: { firstSeed: number; tests: number },
): string[] {
  const found: string[] = []
  for (let seed = firstSeed; seed < firstSeed + tests; seed++) {
    const text = randomCow(seed, mixOf(model.name))
    for (const state of STATES) {
      const difference = firstDifference(text, model, state)
      if (difference === null) continue
      found.push(`seed ${seed}, ${JSON.stringify(state)}: ${difference}\n${text}`)
    }
  }
  return found
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
