/**
 * more-litmus.test: further litmus tests of the recorded families, which no kernel was recorded on: the simulator and
 * the reference model were written apart from the same documents, and have to see the same under every kernel and policy.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LITMUS, type Model } from './litmus-models.ts'
import { comparableModels, firstDifference, mixOf } from './reference/differential.ts'
import type { Mix } from './reference/random-cow.ts'

const FOLDER = join(LITMUS, 'more')
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.cow'))

/** By what a kernel or a policy may lack: the operation that needs it. */
const NEEDS: Readonly<Record<keyof Mix, RegExp>> = {
  uffdWp: /^uffdwp /m,
  softDirty: /^clearrefs /m,
  huge: /^mmap .* thp$/m,
}

function applies({ name }: Model, text: string): boolean {
  const mix = mixOf(name)
  const names = Object.keys(mix) as (keyof Mix)[]
  return names.every((what) => mix[what] || !NEEDS[what].test(text))
}

test('there are more than sixty', () => {
  expect(FILES.length).toBeGreaterThan(60)
})

test.each(FILES)('%s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8')
  const differences: string[] = []
  const swaps = /^(swapout|madvise .* pageout)/m.test(text) ? [false, true] : [false]
  for (const model of comparableModels().filter((one) => applies(one, text))) {
    for (const drained of [false, true]) {
      for (const diskSwap of swaps) {
        const difference = firstDifference(text, model, { drained, diskSwap })
        if (difference === null) continue
        const state = `${drained ? 'drained' : 'natural'}${diskSwap ? ', swap disk' : ''}`
        differences.push(`${model.name} (${state}): ${difference}`)
      }
    }
  }
  expect(differences).toEqual([])
})
