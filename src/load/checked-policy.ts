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
import { viewOf } from '../policy/view.ts'

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

/** The same policy; a question that it answers with something else throws RangeError `invalid answer of <hook>: ...`. */
export function checkedPolicy(definition: PolicyDefinition): PolicyDefinition {
  return {
    ...definition,
    create(values): Policy {
      const policy = definition.create(Object.freeze({ ...values }))
      const hooks = Object.entries(ANSWERS).map(([name, answer]) => [
        name,
        checkedHook(name, policy[name as Question] as Hook, answer),
      ])
      return Object.freeze({
        ...policy,
        ...Object.fromEntries(hooks),
        pageBits: checkedBits('pageBits', policy.pageBits),
        mmBits: checkedBits('mmBits', policy.mmBits),
      })
    },
  }
}

type Hook = (k: Kernel, a: unknown, b: unknown, c: unknown) => unknown

function checkedHook(name: string, hook: Hook, { expected, allows }: Answer): Hook {
  return (k, a, b, c) => {
    let answer: unknown
    try {
      answer = hook(viewOf(k), a, b, c)
    } catch (error) {
      throw new Error(`${name} threw: ${error instanceof Error ? error.message : String(error)}`)
    }
    if (allows(answer)) return answer
    throw new RangeError(`invalid answer of ${name}: ${String(answer)}; expected ${expected}`)
  }
}

function checkedBits<B extends PageBits | MmBits>(name: string, bits: B | null): B | null {
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
    checkedHook(`${name}.${moment}`, hook as Hook, answer),
  ])
  return Object.freeze({ ...bits, ...Object.fromEntries(checked) })
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most
}
