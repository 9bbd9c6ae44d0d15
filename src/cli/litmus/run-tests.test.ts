/** run-tests.test: what litmus prints and answers when tests are run, and when they are compared with a record. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ENDLESS_POLICY } from '../../test/endless-policy.ts'
import { LITMUS, TRUTH } from '../../test/litmus-models.ts'
import { type LitmusRequest, runLitmusTests, testsOf } from './run-tests.ts'

let dir: string
let out: string
let err: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-litmus-'))
  out = ''
  err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(dir, { recursive: true, force: true })
})

const REQUEST: LitmusRequest = {
  ...{ files: [], policies: [], kernels: [], params: [], swap: 'zram', against: [] },
  ...{ drained: false, json: false, seconds: 10 },
}
const FIRST = join(LITMUS, '01_fork_parent_write.cow')

function run(request: Partial<LitmusRequest>): Promise<number> {
  return runLitmusTests({ ...REQUEST, ...request })
}

/** A copy of a record in which A's copy in the first test is said to have been a reuse. */
function wrongRecord(kernel: string): string {
  const record = JSON.parse(readFileSync(join(TRUTH, `${kernel}.json`), 'utf8')) as {
    tests: Record<string, { n: number; outcome: string }[]>
  }
  const store = record.tests['01_fork_parent_write']?.find(({ n }) => n === 5)
  if (store === undefined) throw new Error('no such operation')
  store.outcome = '0=reuse'
  const file = join(dir, `${kernel}.json`)
  writeFileSync(file, JSON.stringify(record))
  return file
}

test('a kernel that the model agrees with is one line and exit code 0', async () => {
  const against = [join(TRUTH, '6.18.44.json')]
  expect(await run({ files: [FIRST], against })).toBe(0)
  // Three stores and two loads, natural and drained.
  expect(out).toBe(
    'kernel 6.18.44, model mm-id (kernel 6.18.44): 10 operations agree, 0 disagree\n',
  )
  expect(err).toBe('')
})

test('a disagreement is told by test, LRU state and operation, and is exit code 4', async () => {
  expect(await run({ files: [FIRST], against: [wrongRecord('6.18.44')] })).toBe(4)
  expect(out.split('\n')).toEqual([
    '01_fork_parent_write (natural) 5 write A buf[0]: kernel 0=reuse, model 0=copy',
    '01_fork_parent_write (drained) 5 write A buf[0]: kernel 0=reuse, model 0=copy',
    'kernel 6.18.44, model mm-id (kernel 6.18.44): 8 operations agree, 2 disagree',
    '',
  ])
})

test("a prototype's disagreement is exit code 0: it is there for information", async () => {
  expect(await run({ files: [FIRST], against: [wrongRecord('5.6.19-on-demand-fork')] })).toBe(0)
  expect(out).toMatch(/ 2 disagree; for information only\n$/)
})

test('what a record leaves out is said, with the reason', async () => {
  expect(await run({ against: [join(TRUTH, '6.0.6.json')] })).toBe(0)
  expect(out).toMatch(/0 disagree; \d+ not compared: recorded in the natural state only\n$/)
  const softDirty = join(LITMUS, '88_thp_clearrefs_write.cow')
  const against = [join(TRUTH, '6.18.44.json')]
  expect(await run({ files: [softDirty, FIRST], against })).toBe(0)
  expect(err).toBe('88_thp_clearrefs_write: not in the record of 6.18.44\n')
})

test('an expectation that is not met is exit code 4, and says what one would observe', async () => {
  const file = join(dir, 't.cow')
  writeFileSync(file, 'spawn A\nmmap A buf 1\nwrite A buf[0]\nexpect reuse\n')
  expect(await run({ files: [file], policies: ['mm-id'] })).toBe(4)
  expect(out).toContain('t mm-id 3 write A buf[0]: 0=zerofill\n')
  expect(err).toContain("A's store to buf[0] filled a hole by one page\n")
  expect(err).toMatch(/1 test under 1 policy: 0 expectations met, 1 not\n$/)
})

test('with --json an operation is one object of a line', async () => {
  expect(await run({ files: [FIRST], kernels: ['5.15.135'], json: true })).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines).toHaveLength(8)
  expect(JSON.parse(lines[4] ?? '')).toEqual({
    ...{ test: '01_fork_parent_write', policy: 'page-count', kernel: '5.15.135', n: 5 },
    ...{ op: 'write A buf[0]', outcome: '0=copy', pages: [{ page: 0, outcome: 'copy' }] },
  })
})

test('a record among the tests is refused: the shell made it of --against *.json', async () => {
  const record = join(TRUTH, '5.9.1.json')
  await expect(run({ files: [record] })).rejects.toThrow(
    `unsupported test file: ${record}; expected: .cow, or --against before it`,
  )
})

test('a policy that never answers a record is told after --timeout, with the operation', async () => {
  const file = join(dir, 'loops.ts')
  writeFileSync(file, ENDLESS_POLICY)
  const against = [join(TRUTH, '6.18.44.json')]
  const started = performance.now()
  await expect(run({ against, policies: [file], seconds: 1 })).rejects.toThrow(
    /^invalid policy: loops: no answer within 1 seconds; at operation 5 of .*01_fork_parent_write\.cow \(natural\)$/,
  )
  // One operation's second, not one for each of the record's tests.
  expect(performance.now() - started).toBeLessThan(20_000)
})

test('a comparison of nothing is no agreement', async () => {
  const file = join(dir, 'mine.cow')
  writeFileSync(file, 'spawn A\n')
  const against = [join(TRUTH, '6.18.44.json')]
  await expect(run({ files: [file], against })).rejects.toThrow(
    `missing operations: nothing to compare in ${against}`,
  )
  expect(err).toBe('mine: not in the record of 6.18.44\n')
  // One that is in the record is enough.
  expect(await run({ files: [file, FIRST], against })).toBe(0)
})

test('a folder without tests is refused', async () => {
  writeFileSync(join(dir, 'notes.txt'), '')
  await expect(run({ files: [dir] })).rejects.toThrow(`missing tests: no .cow files in ${dir}`)
})

test('without files all tests are run that come with the program, but for those of more/', async () => {
  const files = readdirSync(LITMUS, { recursive: true, encoding: 'utf8' })
  const expected = files.filter((file) => file.endsWith('.cow') && !file.startsWith('more'))
  expect(expected).toContain(join('races', 'locks.cow'))
  const found = testsOf([]).map(({ file }) => relative(LITMUS, file))
  expect(found.sort()).toEqual(expected.sort())
  expect(await run({ policies: ['mm-id'] })).toBe(0)
  expect(err).toMatch(
    new RegExp(`^${expected.length} tests under 1 policy: \\d+ expectations met, 0 not\\n$`),
  )
})

test('a name in an expectation that nobody goes by is told once for each test, and fails nothing', async () => {
  const file = join(dir, 'slip.cow')
  const start = 'spawn A\nmmap A buf 1\nwrite A buf[0]\nfork A B\n'
  const slip = ['write A buf[0]', 'expect[mapcont,mm-id] copy', 'expect[my-rule,mapcont:x=1] reuse']
  writeFileSync(file, `${start}${slip.join('\n')}\n`)
  expect(await run({ files: [file], policies: ['mm-id', 'mapcount'] })).toBe(0)
  expect(err.split('\n')).toEqual([
    `${file}:6: expect names no policy, kernel or state that is known here: mapcont (did you mean mapcount?), my-rule, mapcont:x=1 (did you mean mapcount?)`,
    '1 test under 2 policies: 1 expectation met, 0 not',
    '',
  ])
})

test("policies, their variants, kernels and states are known, whether they run or not, and those of one's own that run", async () => {
  const file = join(dir, 'known.cow')
  const policy = join(dir, 'my-rule.ts')
  writeFileSync(
    policy,
    `import { definePolicy, hooksOf } from 'cowbench'
     export default definePolicy({
       name: 'my-rule', summary: '', era: '', kernel: '6.18', hooks: () => hooksOf('mm-id'),
     })`,
  )
  const names = 'my-rule,mapcount,page-count:reclaimPin=no,5.8.1,drained,diskswap,live'
  writeFileSync(file, `spawn A\nmmap A buf 1\nwrite A buf[0]\nexpect[${names}] zerofill\n`)
  expect(await run({ files: [file], policies: [policy] })).toBe(0)
  expect(err).toBe('1 test under 1 policy: 1 expectation met, 0 not\n')
})
