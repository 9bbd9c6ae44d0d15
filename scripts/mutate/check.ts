/** check: does `cowbench check --against` tell a mutated policy from the one that it was made of, and by what? */
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { replay } from '../../src/check/counterexample.ts'
import { SMALL_WORLD, type Subject, settingsOf } from '../../src/check/thread.ts'
import { parseLitmus } from '../../src/litmus/parse.ts'
import { packageRoot } from '../../src/load/package.ts'
import { textOf, variantsOf } from './litmus.ts'
import type { Answer, Question } from './thread.ts'

/**
 * By model: how many actions deep. (How many steps an operation takes is a policy's own matter, so that two policies
 * cannot be taken through one race.)
 */
const DEPTHS: Readonly<Record<string, number>> = {
  ...{ 'fork-pin': 6, swap: 6, writeback: 6, protect: 5, family: 6, tables: 5, thp: 5 },
}

export interface Difference {
  readonly where: string
  /** One of the two has broken a promise already, or has copied what nobody else could reach. */
  readonly wrong: boolean
}

export class Checker {
  readonly #worker = new Worker(join(packageRoot(), 'dist/scripts/mutate/thread.js'), {
    workerData: SMALL_WORLD,
  })
  /** Levels more than DEPTHS has. */
  readonly #deeper: number

  constructor(deeper = 0) {
    this.#deeper = deeper
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  /** The shortest sequence of actions that the two answer differently; undefined for none. */
  async difference(original: string, mutant: string): Promise<Difference | undefined> {
    for (const { name: variant, params, era } of variantsOf(original)) {
      for (const swapDisk of [false, true]) {
        const settings = { params, swapDisk, ...(era === undefined ? {} : { era }) }
        const subject = { ...settings, policy: original }
        const against = { ...settings, policy: mutant }
        for (const [model, depth] of Object.entries(DEPTHS)) {
          const lines = await this.#ask({ subject, against, model, depth: depth + this.#deeper })
          if (lines === undefined) continue
          const where = `${variant}${swapDisk ? ', swap disk' : ''}: ${lines.slice(2).join('; ')}`
          return { where, wrong: await isWrong(subject, against, lines) }
        }
      }
    }
    return undefined
  }

  async #ask(question: Question): Promise<readonly string[] | undefined> {
    this.#worker.postMessage(question)
    const [answer] = (await once(this.#worker, 'message')) as [Answer]
    if ('error' in answer) throw new Error(answer.error)
    return answer.lines
  }
}

/** Does the oracle object to what only one of the two does, or know better than only one of them? */
async function isWrong(one: Subject, other: Subject, lines: readonly string[]): Promise<boolean> {
  const test = parseLitmus(lines.join('\n'), 'difference')
  const [here, there] = [replay(await settingsOf(one), test), replay(await settingsOf(other), test)]
  if (here.results.every((result, i) => textOf(result) === textOf(there.results[i] ?? result))) {
    throw new Error(`a small world shows what a large one does not: ${lines.join('; ')}`)
  }
  return here.breaches.length !== there.breaches.length || here.missed !== there.missed
}
