/** slurm.test: a plan handed to a real Slurm, from a directory whose name Slurm and bash both have to get right. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { skip } from '../../test/skip.ts'
import { type Slurm, startSlurm, whyNoSlurm } from '../../test/slurm.ts'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))

let missing = whyNoSlurm()
let slurm: Slurm
let home: string
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), `cowbench 5% "of" user's #1 `))
  if (missing !== undefined) return
  const started = await startSlurm()
  if (typeof started === 'string') missing = started
  else slurm = started
})
afterAll(async () => {
  await slurm?.stop()
  rmSync(home, { recursive: true, force: true })
})

function cowbench(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ cwd: home, encoding: 'utf8', env: slurm.env },
  })
  return { code: status, out: stdout, err: stderr }
}
const read = (...path: string[]): string => readFileSync(join(home, ...path), 'utf8')

function asked(program: string, ...words: string[]): string {
  return spawnSync(program, words, { env: slurm.env, encoding: 'utf8' }).stdout
}

/** Until nothing is in the queue. */
async function end(): Promise<void> {
  while (asked('squeue', '-h') !== '') await sleep(300)
}

const PLAN = [
  ...['--policy', './mine.ts,mm-id', '--workload', 'fork-exec', '--seeds', '2'],
  ...['--param', 'pages=64', '--sweep', 'commands=2,3'],
]
const OPTIONS = ['--shards', '3', '--mem', '500', '--partition', 'main', '--time', '5:00']

test('the array and the job after it give the bytes of a plain run', async (context) => {
  if (missing !== undefined) skip(context, missing)
  cowbench('init', 'policy', 'mine.ts')
  const { code, out } = cowbench('submit', ...PLAN, ...OPTIONS, '--name', "it's 5%j")
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/^job \d+: shards 1-3\njob \d+: joins the shards in /),
  ])
  await end()
  cowbench('run', ...PLAN, '--name', 'plain')
  for (const file of ['rows.csv', 'summary.csv']) {
    expect(read('results', "it's 5%j", file)).toBe(read('results', 'plain', file))
  }
  const [, array, merge] = /^job (\d+): .*\njob (\d+)/.exec(out) ?? []
  const log = (job: string | undefined, task: number): string =>
    read('results', "it's 5%j.shards", `slurm-${job}_${task}.out`)
  expect([1, 2, 3].map((task) => log(array, task).trim().split('\n').at(-1))).toEqual([
    ...[1, 2].map((task) => `3 rows in results/it's 5%j.shards/${task}of3/rows.csv`),
    "2 rows in results/it's 5%j.shards/3of3/rows.csv",
  ])
  expect(log(merge, 0)).toBe("8 rows in results/it's 5%j/rows.csv\n")
})

test('what waits in the queue is left there; what was cancelled is submitted again', async (context) => {
  if (missing !== undefined) skip(context, missing)
  const submit = (): string =>
    cowbench('submit', ...PLAN, ...OPTIONS, '--name', 'late', '--sbatch', 'begin=now+1hour').out
  const [, array] = /^job (\d+): shards 1-3\n/.exec(submit()) ?? []
  expect(submit()).toBe('')
  asked('scancel', `${array}_2`)
  expect(submit()).toMatch(/^job \d+: shards 2\n/)
  asked('scancel', '--user=root')
  await end()
})

test('what Slurm has against it is told', (context) => {
  if (missing !== undefined) skip(context, missing)
  const { code, err } = cowbench('submit', ...PLAN, '--name', 'no', '--partition', 'nowhere')
  expect(code).toBe(2)
  expect(err).toContain(
    '\ncowbench: invalid submission: sbatch: invalid partition specified: nowhere',
  )
})
