/**
 * foretell: from the first levels of a search, how much memory the depth asked for would take.
 *
 * Each level is so many times as large as the one before it. That factor rises over the first two or three levels and
 * falls from then on, by a tenth to a quarter a level, since ever more of what is come to was met before.
 */
import type { Coverage } from './frontier.ts'
import type { Model } from './models.ts'

/** Bytes that all states to `depth` will take: what the last action leads to is not kept. At least three levels. */
export function bytesAt(levels: readonly Coverage[], depth: number): number {
  const [first, before, now] = [levels[0], levels.at(-2), levels.at(-1)]
  if (first === undefined || before === undefined || now === undefined) return 0
  const earlier = levels.at(-3)?.states ?? 1
  let level = now.states - before.states
  const last = before.states - earlier
  let growth = last > 0 ? level / last : 0
  let states = now.states
  for (let at = now.depth; at < depth - 1; at++) {
    growth *= FALL
    level *= growth
    states += level
  }
  // There are pieces of memory before there are states to fill them.
  return first.bytes + ((now.filled - first.filled) * states) / now.states
}

/** By what the growth falls from level to level: rather too little than too much. */
const FALL = 0.9

/** Says once of each model that the depth asked for will not fit into the memory given. */
export class Foreteller {
  readonly #memory: number
  readonly #say: (line: string) => void
  readonly #levels = new Map<Model, Coverage[]>()
  readonly #goals = new Map<Model, number>()
  readonly #told = new Set<Model>()

  constructor(memory: number, say: (line: string) => void) {
    this.#memory = memory
    this.#say = say
  }

  /** Of every level, and now and then in between: also when a model is looked at for the second time. */
  hear(model: Model, goal: number, now: Coverage): void {
    const levels = this.#levels.get(model) ?? []
    if (levels.at(-1)?.depth === now.depth) return
    const again = (levels.at(-1)?.depth ?? 0) > now.depth
    this.#levels.set(model, again ? [now] : [...levels, now])
    this.#goals.set(model, goal)
    if (now.states >= SURE) this.#tell(model)
  }

  /** Of all models, as far as can be told by now. */
  tellAll(): void {
    for (const model of this.#levels.keys()) this.#tell(model)
  }

  #tell(model: Model): void {
    const levels = this.#levels.get(model) ?? []
    const goal = this.#goals.get(model) ?? 0
    if (this.#told.has(model) || levels.length < LEVELS) return
    const needed = bytesAt(levels, goal)
    if (needed <= this.#memory) return
    this.#told.add(model)
    let fits = goal - 1
    // Where it does not end there, what the action after that leads to is kept as well.
    while (fits > 1 && bytesAt(levels, fits + 1) > this.#memory) fits--
    this.#say(
      `${model.name}: depth ${goal} would take about ${mib(needed)} MiB, of which ${mib(this.#memory)} are given ` +
        `(--memory): it will end at about depth ${fits}`,
    )
  }
}

/** A forecast takes so many levels at least, and so many states in the middle of a search. */
const LEVELS = 3
const SURE = 20_000

function mib(bytes: number): string {
  return Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')
}
