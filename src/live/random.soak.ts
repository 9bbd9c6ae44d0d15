/** random.soak: thousands of random tests on the running kernel; a new seed each day, printed for the replay. */
import { expect, type TestContext, test } from 'vitest'
import { KERNEL_MODELS } from '../test/litmus-models.ts'
import { skip } from '../test/skip.ts'
import { driverProgram } from './build.ts'
import { LiveDriver } from './driver.ts'
import { demandLinuxRoot, facilitiesOf, MissingFacility } from './facilities.ts'
import { formatFound, randomOptions, search } from './search.ts'

const TESTS = 5000
const MS_PER_DAY = 86_400_000

async function runningKernel(ctx: TestContext) {
  try {
    demandLinuxRoot()
    const driver = new LiveDriver(driverProgram())
    return { driver, machine: await facilitiesOf(driver) }
  } catch (error) {
    if (!(error instanceof MissingFacility)) throw error
    return skip(ctx, error.message)
  }
}

test(`${TESTS} random tests agree with the model of the running kernel`, async (ctx) => {
  const { driver, machine } = await runningKernel(ctx)
  try {
    const model = KERNEL_MODELS.find(({ name }) => name === machine.kernel)
    if (model === undefined) return skip(ctx, `no model of Linux ${machine.kernel}`)
    const seed = Math.floor(Date.now() / MS_PER_DAY)
    console.log(`cowbench live --random ${TESTS} --seed ${seed} --against ${model.name}`)
    const thpAlways = machine.thp === 'always'
    const subject = { driver, thpAlways, machine: model.machines({ swapDisk: false }) }
    const options = {
      ...{ tests: TESTS, seed, model: model.name, machine },
      ...randomOptions(machine),
    }
    const { kinds } = await search(subject, options, (found) => {
      console.log(formatFound(found, options))
    })
    expect(kinds).toEqual([])
  } finally {
    driver.close()
  }
}, 1_800_000)
