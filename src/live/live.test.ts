/** live.test: the running kernel itself, where the machine allows; elsewhere its tests are skipped with the reason. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { compareWithTruth, formatDisagreement } from '../litmus/compare.ts'
import { readTests } from '../litmus/library.ts'
import { parseLitmus } from '../litmus/parse.ts'
import { formatTruth, parseTruth, type Truth } from '../litmus/truth.ts'
import { packageRoot } from '../load/package.ts'
import { KERNELS } from '../sim/kernels.ts'
import { KERNEL_MODELS, POLICY_MODELS } from '../test/litmus-models.ts'
import { skip } from '../test/skip.ts'
import { driverProgram } from './build.ts'
import { configFacts } from './config.ts'
import { LiveDriver } from './driver.ts'
import { demandLinuxRoot, type Facilities, facilitiesOf, MissingFacility } from './facilities.ts'
import { observe, truthOf } from './observe.ts'
import { reasonToSkip } from './reason-to-skip.ts'
import { formatFound, randomOptions, search } from './search.ts'

const cache = mkdtempSync(join(tmpdir(), 'cowbench-live-'))
let driver: LiveDriver | undefined
let machine: Facilities | undefined
let reason = ''

beforeAll(async () => {
  try {
    demandLinuxRoot()
    driver = new LiveDriver(driverProgram(cache))
    machine = await facilitiesOf(driver)
  } catch (error) {
    if (!(error instanceof MissingFacility)) throw error
    reason = error.message
  }
})

afterAll(() => {
  driver?.close()
  rmSync(cache, { recursive: true })
})

/** The driver and the machine; skips the test on a machine that cannot run live tests. */
function running(ctx: TestContext): { driver: LiveDriver; machine: Facilities } {
  return driver !== undefined && machine !== undefined ? { driver, machine } : skip(ctx, reason)
}

/** The model of the running kernel; skips the test, or what is left of it, where there is none. */
function modelOf(ctx: TestContext, { kernel }: Facilities) {
  const known = KERNELS.map(({ name }) => name).join(', ')
  const model = KERNEL_MODELS.find(({ name }) => name === kernel)
  return model ?? skip(ctx, `no model of Linux ${kernel} to agree with; known: ${known}`)
}

async function outcomes(ctx: TestContext, lines: readonly string[]): Promise<string[]> {
  const live = running(ctx)
  const cow = parseLitmus(lines.join('\n'), 'case')
  const why = reasonToSkip(cow, live.machine)
  if (why !== undefined) skip(ctx, why)
  const seen = await observe(live.driver, cow, {
    drained: true,
    thpAlways: live.machine.thp === 'always',
  })
  return seen.map(({ result: { outcome, flags } }) => [outcome, ...flags].join(' '))
}

test('a store after fork copies for the first and is in place for the last', async (ctx) => {
  const fork = ['spawn A', 'mmap A buf 2', 'write A buf', 'fork A B']
  const seen = await outcomes(ctx, [...fork, 'write A buf[0]', 'write B buf[0]', 'read B buf'])
  // Every kernel since fork() was copy-on-write.
  expect(seen.slice(2)).toEqual(['0..1=zerofill', 'ok', '0=copy', '0=reuse', '0..1=nofault'])
})

test('what is not permitted is a signal, and the process lives on', async (ctx) => {
  const lines = ['spawn A', 'mmap A buf 1', 'write A buf', 'mprotect A buf ro', 'write A buf']
  const seen = await outcomes(ctx, [...lines, 'read A buf', 'munmap A buf', 'write A buf'])
  expect(seen.slice(4)).toEqual(['0=segv', '0=nofault', 'ok', '0=segv'])
})

test('a pin of io_uring is coherent both ways, and exec leaves an empty process', async (ctx) => {
  const pin = ['spawn A', 'mmap A buf 2', 'write A buf', 'pin A buf P1 iouring', 'write A buf[1]']
  const device = ['devread P1', 'devwrite P1[0]', 'read A buf', 'unpin P1']
  const seen = await outcomes(ctx, [...pin, ...device, 'exec A', 'mmap A new 1', 'write A new'])
  expect(seen.slice(3)).toEqual(
    `ok 1=nofault 0..1=coherent ok 0..1=nofault ok ok ok 0=zerofill`.split(' '),
  )
})

test('a driver that was built once is found again, and a damaged one is built anew', (ctx) => {
  running(ctx)
  const program = driverProgram(cache)
  const built = statSync(program).mtimeMs
  expect(driverProgram(cache)).toBe(program)
  expect(statSync(program).mtimeMs).toBe(built)
  expect(statSync(program).mode & 0o777).toBe(0o700)

  const other = mkdtempSync(join(tmpdir(), 'cowbench-live-'))
  try {
    const copy = driverProgram(other)
    const intact = readFileSync(copy)
    writeFileSync(copy, 'not what the compiler wrote')
    expect(driverProgram(other)).toBe(copy)
    expect(readFileSync(copy).equals(intact)).toBe(true)
  } finally {
    rmSync(other, { recursive: true })
  }
})

test('a search finds where always-copy parts from the kernel, and prints the test', async (ctx) => {
  const live = running(ctx)
  const model = POLICY_MODELS.find(({ name }) => name === 'always-copy')
  if (model === undefined) throw new Error('no model of always-copy')
  const subject = {
    ...{ driver: live.driver, thpAlways: live.machine.thp === 'always' },
    machine: model.machines({ swapDisk: false }),
  }
  const options = {
    ...{ tests: 20, seed: 1, model: model.name, machine: live.machine },
    ...randomOptions({
      ...live.machine,
      ...{ swap: 'none', thp: '', ksm: false, uffdWp: false, softDirty: false, device: false },
    }),
  }
  const { kinds, differing, agreements } = await search(subject, options, () => {})
  expect(agreements).toBeGreaterThan(100)
  expect(differing).toBeGreaterThan(0)
  // The last process to map a page writes in place; always-copy copies.
  const found = kinds.find(({ difference: { live: seen } }) => /=reuse/.test(seen.outcome))
  if (found === undefined) throw new Error('no test in which a page is reused')
  const cow = parseLitmus(formatFound(found, options), 'found.cow')
  expect(cow.operations.length).toBe(found.lines.length)
  expect(cow.operations.at(-1)?.expectations[0]?.outcome).toBe(found.difference.live.outcome)
})

test('200 random tests agree with the model of the running kernel, natural and drained', async (ctx) => {
  const live = running(ctx)
  const { machine } = live
  const model = modelOf(ctx, machine)
  const subject = {
    ...{ driver: live.driver, thpAlways: machine.thp === 'always' },
    machine: model.machines({ swapDisk: false }),
  }
  const options = {
    ...{ tests: 200, seed: 90, model: model.name, machine },
    ...randomOptions(machine),
  }
  const result = await search(subject, options, (found) => console.log(formatFound(found, options)))
  expect(result.kinds).toEqual([])
  // About 40 operations of each test, over both states.
  expect(result.agreements).toBeGreaterThan(5000)
}, 120_000)

/** The recorded tests on this kernel, once as a record and once against the model of this kernel, if there is one. */
test('the collection agrees with the model of the running kernel, by way of a truth file', async (ctx) => {
  const live = running(ctx)
  const tests = readTests(join(packageRoot(), 'workloads', 'litmus'))
  const thpAlways = live.machine.thp === 'always'
  const recorded: [string, ReturnType<typeof truthOf>][] = []
  for (const [name, cow] of tests) {
    if (reasonToSkip(cow, live.machine) !== undefined) continue
    const natural = await observe(live.driver, cow, { drained: false, thpAlways, repeats: 3 })
    const drained = await observe(live.driver, cow, { drained: true, thpAlways, repeats: 3 })
    recorded.push([name, truthOf(natural, drained)])
  }
  const { kernel } = live.machine
  const truth: Truth = {
    ...{ kernel, what: `Linux ${kernel}`, policy: 'mm-id', informative: false },
    ...{ naturalOnly: false, blind: false, padded: false, tests: new Map(recorded) },
  }
  const text = formatTruth(truth, configFacts(live.machine))
  expect(parseTruth(text, 'live.json')).toEqual(truth)

  const model = modelOf(ctx, live.machine)
  const { disagreements, agreements } = compareWithTruth(truth, {
    ...{ tests, machines: model.machines },
  })
  expect(disagreements.map(formatDisagreement)).toEqual([])
  expect(agreements).toBeGreaterThan(500)
}, 120_000)
