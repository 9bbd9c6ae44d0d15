/**
 * reused-machines.test: a machine that took over another one's memory answers as a new one does: every litmus test under
 * every policy, all of them one after the other in one memory.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { parseLitmus } from '../litmus/parse.ts'
import { runLitmus } from '../litmus/run.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import { LitmusMachines, litmusMachine } from '../run.ts'
import { LITMUS } from './litmus-models.ts'

const cost = DEFAULT_PROFILE
const TESTS = readdirSync(LITMUS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.cow'))
  .sort()
  .map((file) => parseLitmus(readFileSync(join(LITMUS, file), 'utf8'), file))

test.each(POLICIES.map((policy) => policy.name))('%s', (name) => {
  const policy = POLICIES.find((one) => one.name === name)!
  const machines = new LitmusMachines()
  for (const swapDisk of [false, true]) {
    for (const litmus of TESTS) {
      const settings = { policy, params: {}, cost, swapDisk }
      const fresh = runLitmus(litmus, () => litmusMachine(settings), { policy: name })
      const reused = runLitmus(litmus, () => machines.next(settings), { policy: name })
      expect(JSON.stringify(reused)).toBe(JSON.stringify(fresh))
    }
  }
})
