/**
 * thread: explores one model after the other, as its owner asks for, on a thread that was started with huge pages of
 * four (src/geometry.ts). Unlike that of src/check it stays, since most mutants are told apart in less time than it
 * takes to start.
 */
import { parentPort } from 'node:worker_threads'
import { findDifference } from '../../src/check/differ.ts'
import { linesOf } from '../../src/check/lines.ts'
import { MODELS, type Model } from '../../src/check/models.ts'
import { type Subject, settingsOf } from '../../src/check/thread.ts'
import type { WorldSettings } from '../../src/check/world.ts'

export interface Question {
  readonly subject: Subject
  readonly against: Subject
  readonly model: string
  readonly depth: number
}

/** The shortest story in which the two differ, as a .cow file's lines; or what went wrong. */
export type Answer = { readonly lines: readonly string[] | undefined } | { readonly error: string }

/** Bytes, far from what the depths that are asked for need. */
const MEMORY = 2 ** 30

/** By subject: loading a file takes longer than a shallow search. */
const loaded = new Map<string, WorldSettings>()

async function load(subject: Subject): Promise<WorldSettings> {
  const key = JSON.stringify(subject)
  const settings = loaded.get(key) ?? (await settingsOf(subject))
  loaded.set(key, settings)
  return settings
}

async function answer({ subject, against, model: name, depth }: Question): Promise<Answer> {
  const [one, other] = [await load(subject), await load(against)]
  const model = MODELS.find((known) => known.name === name) as Model
  const { findings } = findDifference(one, other, model, { depth, memory: MEMORY })
  return { lines: findings.map(({ path, seen }) => linesOf(one, model, path, seen))[0] }
}

parentPort?.on('message', async (question: Question) => {
  try {
    parentPort?.postMessage(await answer(question))
  } catch (error) {
    parentPort?.postMessage({ error: (error as Error).message } satisfies Answer)
  }
})
