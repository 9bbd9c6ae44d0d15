/**
 * witness: a machine that is listened to: what its policy was asked and answered, what the oracle made of it, and what
 * was seen that should not have been.
 */
import type { Breach, Counts } from '../oracle/judge.ts'
import { Oracle } from '../oracle/oracle.ts'
import type { Policy, PolicyDefinition } from '../policy/api.ts'
import { COPY, SITE_LABELS, SITE_WP } from '../policy/verdict.ts'
import { litmusMachine, type RunSettings } from '../run.ts'
import type { Engine } from '../sim/engine.ts'
import { presentFrame } from '../sim/walk.ts'
import type { Kernel } from '../state/kernel.ts'
import { frameState, type PageState } from './page-state.ts'
import { type Hook, QUESTIONS } from './questions.ts'

export interface Asked {
  readonly hook: Hook
  readonly question: string
  readonly answer: string
  readonly pfn: number
  /** The process and page at hand, where the question is about a fault, a fork or a pin. */
  readonly mm: number
  readonly vpn: number
  /** What the policy was shown; absent where nobody wants to see it. */
  readonly state?: PageState
}

export interface Judged {
  readonly site: string
  readonly mm: number
  readonly vpn: number
  readonly pages: number
  readonly copy: boolean
  /** `reuse`, `needed copy`, `missed reuse` or `unsafe reuse` (results/README.md, Promises and decisions). */
  readonly verdict: string
  /** Would clairvoyant have answered otherwise? */
  readonly wrong: boolean
}

export interface Heard {
  readonly asked: readonly Asked[]
  readonly judged: readonly Judged[]
  readonly breaches: readonly Breach[]
}

export class Witness {
  readonly engine: Engine
  /** Whether states are wanted, which take long to describe. */
  watching = false
  readonly #oracle: ToldOracle
  #asked: Asked[] = []
  #breaches = 0
  /** Number of each event of the story, and the machine's event that it began with. */
  readonly #starts: { readonly n: number; readonly event: number }[] = []

  constructor(settings: RunSettings & { readonly swapDisk?: boolean }) {
    this.#oracle = new ToldOracle()
    const policy = heardPolicy(settings.policy, (hook, rest, answer, k, pfn) =>
      this.#hear(hook, rest, answer, k, pfn),
    )
    this.engine = litmusMachine({ ...settings, policy, judge: this.#oracle })
  }

  /** Event `n` of the story begins. Noted from the first number on that stands for several of the machine's events. */
  starts(n: number): void {
    const { events } = this.engine.machine
    if (n !== events || this.#starts.length > 0) this.#starts.push({ n, event: events })
  }

  /** The story's number of one of the machine's events. */
  numberOf(event: number): number {
    return this.#starts.findLast((start) => start.event <= event)?.n ?? event
  }

  /** What was heard since the last time. */
  take(): Heard {
    const breaches = this.#oracle.breaches.slice(this.#breaches)
    this.#breaches = this.#oracle.breaches.length
    const heard = { asked: this.#asked, judged: this.#oracle.judged, breaches }
    this.#asked = []
    this.#oracle.judged = []
    return heard
  }

  #hear(hook: Hook, rest: unknown, answer: string, k: Kernel, pfn: number): void {
    this.#asked.push({
      ...{ hook, question: QUESTIONS[hook].text(rest), answer },
      ...{ pfn, mm: k.mm?.id ?? -1, vpn: k.vpn },
      ...(this.watching ? { state: this.#stateOf(k, pfn) } : {}),
    })
  }

  /** Questions about a huge folio name its head: the page at hand may be another of its pages. */
  #stateOf(k: Kernel, pfn: number): PageState {
    const { machine } = this.engine
    const at = k.mm === undefined ? 0 : presentFrame(machine, k.mm, k.vpn)
    const same = machine.frames.head(at) === machine.frames.head(pfn)
    return frameState(machine, same ? at : pfn, k.vpn)
  }
}

type Ear = (hook: Hook, rest: unknown, answer: string, k: Kernel, pfn: number) => void

/** The same policy, overheard. */
function heardPolicy(definition: PolicyDefinition, hear: Ear): PolicyDefinition {
  return {
    ...definition,
    create(values): Policy {
      const policy = definition.create(values)
      const hooks = (Object.keys(QUESTIONS) as Hook[]).map((name) => {
        const hook = policy[name] as (k: Kernel, pfn: number, x: unknown) => unknown
        return [
          name,
          (k: Kernel, pfn: number, rest: unknown): unknown => {
            try {
              const answer = hook(k, pfn, rest)
              hear(name, rest, QUESTIONS[name].answer(answer), k, pfn)
              return answer
            } catch (error) {
              hear(name, rest, (error as Error).message, k, pfn)
              throw error
            }
          },
        ]
      })
      return Object.freeze({ ...policy, ...Object.fromEntries(hooks) })
    },
  }
}

/** Which of its counts tells how a verdict was classed, in the order of asking. */
const CLASSES: readonly (readonly [keyof Counts, string])[] = [
  ['unsafe_reuses', 'unsafe reuse'],
  ['reuses', 'reuse'],
  ['missed_reuses', 'missed reuse'],
  ['spurious_copies', 'missed reuse'],
  ['needed_copies', 'needed copy'],
]

/** An oracle that remembers the class of each verdict. */
class ToldOracle extends Oracle {
  judged: Judged[] = []

  override verdict(
    site: number,
    mm: number,
    vpn: number,
    pages: number,
    verdict: number,
    other: number,
  ): boolean {
    const before = { ...this.counts }
    const unsafe = super.verdict(site, mm, vpn, pages, verdict, other)
    this.#note({ site: SITE_LABELS[site] ?? '', mm, vpn, pages, copy: verdict >= COPY }, before)
    return unsafe
  }

  override copying(mm: number, vpn: number, verdict: number): void {
    const before = { ...this.counts }
    super.copying(mm, vpn, verdict)
    this.#note({ site: SITE_LABELS[SITE_WP] ?? '', mm, vpn, pages: 1, copy: true }, before)
  }

  override refusedHuge(mm: number, vpn: number, pages: number, verdict: number): void {
    const before = { ...this.counts }
    super.refusedHuge(mm, vpn, pages, verdict)
    this.#note({ site: 'do_huge_pmd_wp_page', mm, vpn, pages, copy: true }, before)
  }

  #note(about: Omit<Judged, 'verdict' | 'wrong'>, before: Counts): void {
    const moved = CLASSES.find(([count]) => this.counts[count] > before[count])
    const verdict = moved?.[1] ?? 'needed copy'
    const wrong = verdict === 'unsafe reuse' || verdict === 'missed reuse'
    this.judged.push({ ...about, verdict, wrong })
  }
}
