/** truth.test: records of kernels are written as they are read. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TRUTH } from '../test/litmus-models.ts'
import { readTruth } from './library.ts'
import { formatTruth, parseTruth } from './truth.ts'

const RECORDS = readdirSync(TRUTH).filter((file) => file.endsWith('.json'))

test('there are 13 records', () => {
  expect(RECORDS).toHaveLength(13)
})

test.each(RECORDS)('%s, written and read again, is the same record', (file) => {
  const truth = readTruth(join(TRUTH, file))
  expect(parseTruth(formatTruth(truth, { architecture: 'x64' }), file)).toEqual(truth)
})

test('a line is silent about what is as usual', () => {
  const usual = { n: 1, op: 'write A buf', outcome: '0=copy' }
  const odd = {
    ...{ n: 2, op: 'read A buf', outcome: '0=nofault', flags: ['leak'], unstable: ['0=swapin'] },
    ...{ drained: '0=swapin', flags_drained: [], drained_unstable: ['0=nofault'], artefact: true },
  }
  const head = { kernel: '6.18', what: '', policy: 'mm-id', informative: false, natural_only: true }
  const text = JSON.stringify({ ...head, tests: { one: [usual, odd] } })
  const lines = formatTruth(parseTruth(text, 'text'), {}).split('\n')
  expect(lines.filter((line) => line.startsWith('  {'))).toEqual([
    `  ${JSON.stringify(usual)},`,
    `  ${JSON.stringify(odd)}`,
  ])
})
