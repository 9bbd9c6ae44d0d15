/**
 * checked-policy: holds a policy that did not come with the program to the answers that each question allows, and gives
 * it a view of the kernel that it can neither keep nor change.
 */
import {
  GUP_BREAK_COW,
  type Kernel,
  type MmBits,
  type PageBits,
  type Policy,
  type PolicyDefinition,
  type PolicyHooks,
  VERDICT_LABELS,
} from '../policy/api.ts'
import { isPinnedOnly, pinnedOnly } from '../policy/pinned-only.ts'
import { viewOf } from '../policy/view.ts'
import { firstLine } from './module.ts'

type Question = {
  [K in keyof PolicyHooks]: PolicyHooks[K] extends (...asked: never[]) => unknown ? K : never
}[keyof PolicyHooks]

interface Answer {
  readonly expected: string
  readonly allows: (answer: unknown) => boolean
}

const VERDICT: Answer = {
  expected: 'a verdict',
  // Codes without a label are not in use.
  allows: (answer) => typeof answer === 'number' && Boolean(VERDICT_LABELS[answer]),
}
const YES_NO: Answer = {
  expected: 'true or false',
  allows: (answer) => typeof answer === 'boolean',
}
const GUP: Answer = {
  expected: 'one of GUP_TAKE, GUP_UNSHARE, GUP_BREAK_COW',
  allows: (answer) => isWhole(answer, GUP_BREAK_COW),
}

const ANSWERS: Readonly<Record<Question, Answer>> = {
  wpReuse: VERDICT,
  wpReuseLarge: VERDICT,
  pmdReuse: VERDICT,
  swapinReuse: VERDICT,
  forkCopies: YES_NO,
  forkSplitsHuge: YES_NO,
  gupRead: GUP,
  gupReadNotAnon: GUP,
  gupFastRefuses: YES_NO,
  reclaimRefuses: YES_NO,
  clearRefsSkips: YES_NO,
  upgradesPte: YES_NO,
  upgradesPmd: YES_NO,
  forcedInPlace: YES_NO,
}

/** A hook threw, or answered what is no answer. */
export class PolicyFailure extends Error {
  readonly policy: string

  constructor(policy: string, what: string) {
    super(what)
    this.policy = policy
  }
}

/** Questions asked and answered so far, together, and which was asked last: written for a thread that watches. */
export type Pulse = Int32Array

/** What a pulse's second number stands for. */
export const HOOKS: readonly string[] = [...Object.keys(ANSWERS), 'pageBits', 'mmBits']

/** The same policy; a question that it answers with something else throws PolicyFailure `invalid answer of <hook>: ...`. */
export function checkedPolicy(definition: PolicyDefinition, pulse?: Pulse): PolicyDefinition {
  const told: Told = { policy: definition.name, pulse }
  return {
    ...definition,
    create(values): Policy {
      const policy = definition.create(values)
      const hooks = Object.entries(ANSWERS).map(([name, answer]) => [
        name,
        checkedHook(name, policy[name as Question] as Hook, answer, told),
      ])
      const checked: Policy = Object.freeze({
        ...policy,
        ...Object.fromEntries(hooks),
        pageBits: checkedBits('pageBits', policy.pageBits, told),
        mmBits: checkedBits('mmBits', policy.mmBits, told),
      })
      if (isPinnedOnly(policy.forkCopies)) pinnedOnly(checked.forkCopies)
      return checked
    },
  }
}

/** Who is told of failures, and of every question. */
interface Told {
  readonly policy: string
  readonly pulse: Pulse | undefined
}

type Hook = (k: Kernel, a: unknown, b: unknown, c: unknown) => unknown

function checkedHook(
  name: string,
  hook: Hook,
  { expected, allows }: Answer,
  { policy, pulse }: Told,
): Hook {
  const checked: Hook = (k, a, b, c) => {
    let answer: unknown
    try {
      answer = hook(viewOf(k), a, b, c)
    } catch (error) {
      throw new PolicyFailure(policy, `${name} threw: ${firstLine(error)}`)
    }
    if (allows(answer)) return answer
    const what = `invalid answer of ${name}: ${String(answer)}; expected ${expected}`
    throw new PolicyFailure(policy, what)
  }
  if (pulse === undefined) return checked
  const which = HOOKS.indexOf(name.replace(/\..*/, ''))
  return (k, a, b, c) => {
    pulse[1] = which
    pulse[0]!++
    const answer = checked(k, a, b, c)
    pulse[0]!++
    return answer
  }
}

function checkedBits<B extends PageBits | MmBits>(
  name: string,
  bits: B | null,
  told: Told,
): B | null {
  if (bits === null) return null
  const { width } = bits
  const most = 2 ** width - 1
  const answer: Answer = {
    expected: `a whole number from 0 to ${most} (width ${width})`,
    allows: (value) => isWhole(value, most),
  }
  const moments = Object.entries(bits).filter(([, hook]) => typeof hook === 'function')
  const checked = moments.map(([moment, hook]) => [
    moment,
    checkedHook(`${name}.${moment}`, hook as Hook, answer, told),
  ])
  return Object.freeze({ ...bits, ...Object.fromEntries(checked) })
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most
}
