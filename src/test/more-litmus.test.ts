/**
 * more-litmus.test: further litmus tests of the recorded families, which no kernel was recorded on: the simulator and
 * the reference model were written apart from the same documents, and have to see the same in every era.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ERAS, eraLacks } from '../sim/era.ts'
import { KERNELS } from '../sim/kernels.ts'
import { KERNEL_MODELS, LITMUS, type Model } from './litmus-models.ts'
import { firstDifference } from './reference/differential.ts'

const FOLDER = join(LITMUS, 'more')
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.cow'))

/** By what an era may lack: the operation that needs it. */
const NEEDS: Readonly<Record<string, RegExp>> = {
  'uffd-wp': /^uffdwp /m,
  'soft-dirty': /^clearrefs /m,
}

function applies({ name }: Model, text: string): boolean {
  const kernel = KERNELS.find((one) => one.name === name)
  const lacks = kernel === undefined ? [] : eraLacks(ERAS[kernel.era])
  return !lacks.some((lack) => NEEDS[lack]?.test(text))
}

test('there are more than sixty', () => {
  expect(FILES.length).toBeGreaterThan(60)
})

test.each(FILES)('%s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8')
  const differences: string[] = []
  const swaps = /^(swapout|madvise .* pageout)/m.test(text) ? [false, true] : [false]
  for (const model of KERNEL_MODELS.filter((one) => applies(one, text))) {
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
