/** checked-policy: holds a policy that did not come with the program to the answers that each question allows. */
import {
  GUP_BREAK_COW,
  type Policy,
  type PolicyDefinition,
  type PolicyHooks,
  VERDICT_LABELS,
} from '../policy/api.ts'

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
  allows: (answer) =>
    Number.isInteger(answer) && Number(answer) >= 0 && Number(answer) <= GUP_BREAK_COW,
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
  reclaimRefuses: YES_NO,
  clearRefsSkips: YES_NO,
  upgradesPte: YES_NO,
  upgradesPmd: YES_NO,
}

/** The same policy; a question that it answers with something else throws RangeError `invalid answer of <hook>: ...`. */
export function checkedPolicy(definition: PolicyDefinition): PolicyDefinition {
  return {
    ...definition,
    create(values): Policy {
      const policy = definition.create(values)
      const hooks = Object.entries(ANSWERS).map(([name, answer]) => [
        name,
        checkedHook(name, policy[name as Question] as Hook, answer),
      ])
      return Object.freeze({ ...policy, ...Object.fromEntries(hooks) })
    },
  }
}

type Hook = (...asked: unknown[]) => unknown

function checkedHook(name: string, hook: Hook, { expected, allows }: Answer): Hook {
  return (...asked) => {
    const answer = hook(...asked)
    if (allows(answer)) return answer
    throw new RangeError(`invalid answer of ${name}: ${String(answer)}; expected ${expected}`)
  }
}
