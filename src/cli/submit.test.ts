/**
 * submit.test: a plan handed to a Slurm of our own making, which runs each task when it is given it, or loses it, and
 * what a user is told.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { THROWING_POLICY } from '../test/throwing-policy.ts'

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

/** Writes down its words, runs the tasks one after the other (but those in `lost`), and numbers the jobs from 101. */
const SBATCH = `#!/usr/bin/env bash
bin=$(dirname "$0")
if [[ -e $bin/refusal ]]; then cat "$bin/refusal" >&2; exit 1; fi
echo "$*" >>"$bin/calls"
script=\${!#}
for word in "$@"; do [[ $word == --array=* ]] && array=\${word#*=}; done
array=\${array-$(sed -n 's/^#SBATCH --array=//p' "$script")}
for range in \${array//,/ }; do
  for task in $(seq "\${range%-*}" "\${range#*-}"); do
    [[ " $(cat "$bin/lost" 2>&1) " == *" $task "* ]] && continue
    SLURM_ARRAY_TASK_ID=$task bash "$script" >>"$bin/log" 2>&1
    echo "$task: $?" >>"$bin/ended"
  done
done
echo "$((100 + $(wc -l <"$bin/calls")));cow"
`
const SQUEUE = `#!/usr/bin/env bash
cat "$(dirname "$0")/queue"
`

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "cowbench user's slurm "))
  mkdirSync(join(home, 'bin'))
  for (const [name, text] of Object.entries({ sbatch: SBATCH, squeue: SQUEUE })) {
    writeFileSync(join(home, 'bin', name), text)
    chmodSync(join(home, 'bin', name), 0o755)
  }
  slurm('queue', '')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function cowbench(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ cwd: home, encoding: 'utf8' },
    env: { ...process.env, PATH: `${join(home, 'bin')}:${process.env['PATH']}` },
  })
  return { code: status, out: stdout, err: stderr }
}
/** Sets a file of our Slurm. */
const slurm = (file: string, text: string): void => writeFileSync(join(home, 'bin', file), text)
const read = (...path: string[]): string => readFileSync(join(home, ...path), 'utf8')
const calls = (): string[] => read('bin', 'calls').trim().split('\n')

/** 2 policies x 2 values x 2 seeds, a few hundred events each. */
const PLAN = [
  ...['--policy', 'mapcount,mm-id', '--workload', 'fork-exec', '--seeds', '2'],
  ...['--param', 'pages=64', '--sweep', 'commands=2,3', '--name', "it's"],
]
const SUBMIT = ['submit', ...PLAN, '--shards', '3']
const SCRIPT = "results/it's.shards/job.sh"
const WHOLE = ['rows.csv', 'summary.csv']

/** The results have the bytes that a plain run gives. */
function expectWhole(): void {
  cowbench('run', ...PLAN, '--out', 'plain')
  for (const file of WHOLE) expect(read('results', "it's", file)).toBe(read('plain', "it's", file))
}

test('an array runs the shards, and a job after it joins them to the bytes of a plain run', () => {
  expect(cowbench(...SUBMIT)).toEqual({
    code: 0,
    out: "job 101: shards 1-3\njob 102: joins the shards in results/it's\n",
    err: "8 cells in 3 shards, for results/it's\n",
  })
  expect(calls()).toEqual([
    `--parsable ${SCRIPT}`,
    `--parsable --array=0 --dependency=afterany:101 ${SCRIPT}`,
  ])
  expect(read('bin', 'ended')).toBe('1: 0\n2: 0\n3: 0\n0: 0\n')
  expectWhole()
  const { state, parts } = JSON.parse(read('results', "it's", 'manifest.json'))
  expect([state, Object.keys(parts)]).toEqual(['complete', ['1/3', '2/3', '3/3']])
})

test('what is finished is not submitted again', () => {
  cowbench(...SUBMIT)
  expect(cowbench('submit', ...PLAN)).toEqual({
    ...{ code: 0, out: '' },
    err: "8 cells in 3 shards, for results/it's\nfinished: shards 1-3\nnothing to submit\n",
  })
  expect(calls().length).toBe(2)
  // Their rows are in the results, whatever became of the shards.
  rmSync(join(home, 'results', "it's.shards", '2of3'), { recursive: true })
  expect(cowbench('submit', ...PLAN).err).toContain('\nnothing to submit\n')
})

test('shards that were lost are submitted again, and those alone', () => {
  slurm('lost', '1 3')
  cowbench(...SUBMIT)
  expect(JSON.parse(read('results', "it's", 'manifest.json')).state).toBe('partial')
  slurm('lost', '')
  const { out, err } = cowbench('submit', ...PLAN)
  expect(err).toBe("8 cells in 3 shards, for results/it's\nfinished: shards 2\n")
  expect(out).toBe("job 103: shards 1,3\njob 104: joins the shards in results/it's\n")
  expect(read(SCRIPT)).toContain('\n#SBATCH --array=1,3\n')
  expectWhole()
})

test('shards that were finished but never joined are joined', () => {
  slurm('lost', '0')
  cowbench(...SUBMIT)
  slurm('lost', '')
  expect(cowbench(...SUBMIT).out).toBe("job 103: joins the shards in results/it's\n")
  expect(calls().at(-1)).toBe(`--parsable --array=0 ${SCRIPT}`)
  expectWhole()
})

test('what is still in the queue is left there, and joined after it', () => {
  slurm('lost', '2 3 0')
  cowbench(...SUBMIT)
  // Another job of this user's has tasks of these numbers too.
  slurm('queue', '7 2\n101 3\n102 0\n')
  const { out, err } = cowbench(...SUBMIT)
  expect(err).toContain('\nfinished: shards 1\nin the queue, as 101, 102: shards 3\n')
  expect(out).toMatch(/^job 103: shards 2\njob 104: /)
  expect(calls().at(-1)).toBe(`--parsable --array=0 --dependency=afterany:101:102:103 ${SCRIPT}`)
  // All that is left is under way.
  slurm('lost', '')
  slurm('queue', '101 2\n101 3\n')
  rmSync(join(home, 'results', "it's.shards", '2of3'), { recursive: true })
  expect(cowbench(...SUBMIT)).toMatchObject({ out: '' })
  expect(cowbench(...SUBMIT, '--overwrite')).toEqual({
    ...{ code: 2, out: '' },
    err: "cowbench: invalid --overwrite: results/it's.shards is in use by 101; expected scancel 101 before it\n",
  })
  expect(calls().length).toBe(4)
})

test('overwrite begins again, with another plan and other shards', () => {
  cowbench(...SUBMIT)
  const other = ['submit', ...PLAN.slice(2), '--policy', 'mm-id', '--shards', '2']
  const { code, err } = cowbench(...other)
  expect(code).toBe(2)
  expect(err).toBe(
    "cowbench: invalid plan: results/it's holds another (policies without mapcount); expected the same, another --name, or --overwrite\n",
  )
  expect(cowbench(...other, '--overwrite').out).toContain('shards 1-2\n')
  expect(read('results', "it's", 'rows.csv').trim().split('\n').length).toBe(1 + 4)
  expect(existsSync(join(home, 'results', "it's.shards", '1of3'))).toBe(false)
  expect(cowbench(...other).err).toContain('\nnothing to submit\n')
})

test('more of a plan is another plan: its cells are divided otherwise', () => {
  cowbench(...SUBMIT)
  const { code, err } = cowbench(...SUBMIT.map((word) => (word === '2' ? '3' : word)))
  expect(code).toBe(2)
  expect(err).toContain("invalid plan: results/it's holds another (a part of this one); ")
})

test('a task whose policy was edited since refuses to run', () => {
  cowbench('init', 'policy', 'mine.ts')
  slurm('lost', '1 2')
  const words = ['--policy', './mine.ts', '--workload', 'fork-exec', '--name', 'own']
  expect(cowbench('submit', ...words, '--shards', '1').code).toBe(0)
  writeFileSync(join(home, 'mine.ts'), `${read('mine.ts')}\n// edited\n`)
  const task = spawnSync('bash', ['results/own.shards/job.sh'], {
    ...{ cwd: home, encoding: 'utf8', env: { ...process.env, SLURM_ARRAY_TASK_ID: '1' } },
  })
  expect(task.status).toBe(2)
  expect(task.stderr).toMatch(
    /^cowbench: invalid --resume: .* \(mine \([0-9a-f]{8}\) has changed since, now mine \([0-9a-f]{8}\)\); /,
  )
})

test('a cell that fails fails its task, and is tried again', () => {
  writeFileSync(join(home, 'bad.ts'), THROWING_POLICY)
  const words = ['--policy', 'mm-id,./bad.ts', '--workload', 'fork-exec', '--name', 'bad']
  cowbench('submit', ...words, '--shards', '2')
  expect(read('bin', 'ended')).toBe('1: 0\n2: 1\n0: 0\n')
  expect(read('results', 'bad', 'rows.csv')).toMatch(/\nbad,.*,error\n/)
  expect(cowbench('submit', ...words).out).toContain('shards 2\n')
})

test('flags of the plan reach the tasks, those of a file as well; flags win', () => {
  mkdirSync(join(home, 'a dir'))
  const config = {
    ...{ policy: ['mapcount'], workload: 'fork-exec', param: { commands: 2 }, seeds: 3 },
    ...{ partition: 'short', mem: '2G', jobs: 4, 'fail-on': 'leaks>0', name: 'file' },
  }
  writeFileSync(join(home, 'a dir', 'plan.json'), JSON.stringify(config))
  const { out } = cowbench(
    ...['submit', '--config', 'a dir/plan.json', '--seed', '9', '--partition', 'long', '--dry-run'],
    ...['--time', '1:00:00', '--sbatch', 'account=mm', '--sbatch', 'exclusive', '--timeout', '60'],
  )
  expect(out).toContain(`
#SBATCH --partition=long
#SBATCH --time=1:00:00
#SBATCH --mem=2G
#SBATCH --cpus-per-task=4
#SBATCH --account=mm
#SBATCH --exclusive
`)
  expect(out).toContain(
    "run --policy mapcount --workload fork-exec --param commands=2 --seed 9 --fail-on 'leaks>0' --timeout 60 \\\n",
  )
  expect(out).toContain('--resume --jobs 4 \\\n')
})

test('a dry run prints the script and leaves nothing', () => {
  const { code, out, err } = cowbench(...SUBMIT, '--dry-run')
  expect([code, err]).toEqual([
    0,
    "8 cells in 3 shards, for results/it's\nnot submitted: shards 1-3\n",
  ])
  expect(out).toMatch(/^#!\/usr\/bin\/env bash\n/)
  expect(existsSync(join(home, 'results'))).toBe(false)
  expect(existsSync(join(home, 'bin', 'calls'))).toBe(false)
})

test('as JSON, with the numbers of the jobs, or without', () => {
  const facts = {
    ...{ dir: "results/it's", cells: 8, shards: 3, finished: [], queued: [], submitted: [1, 2, 3] },
    script: SCRIPT,
  }
  const dry = JSON.parse(cowbench(...SUBMIT, '--dry-run', '--json').out)
  expect(dry).toEqual({
    ...{ ...facts, jobs: { array: null, merge: null } },
    // The tasks' output is read by people.
    text: expect.not.stringContaining('json'),
  })
  const done = JSON.parse(cowbench(...SUBMIT, '--json').out)
  expect(done).toEqual({ ...facts, jobs: { array: '101', merge: '102' } })
})

test('what Slurm refuses is told in one line', () => {
  slurm(
    'refusal',
    'sbatch: error: invalid partition specified: nix\nsbatch: error: Batch job failed\n',
  )
  expect(cowbench(...SUBMIT)).toEqual({
    ...{ code: 2, out: '' },
    err: "8 cells in 3 shards, for results/it's\ncowbench: invalid submission: sbatch: invalid partition specified: nix; Batch job failed\n",
  })
})

test('without Slurm there is one line, and nothing is left', () => {
  const bin = join(home, 'bin')
  for (const name of ['sbatch', 'squeue']) rmSync(join(bin, name))
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...SUBMIT], {
    ...{ cwd: home, encoding: 'utf8', env: { ...process.env, PATH: bin } },
  })
  expect([status, stderr]).toEqual([
    5,
    'cowbench: no sbatch on this machine; --dry-run prints the script\n',
  ])
  expect(existsSync(join(home, 'results'))).toBe(false)
})

test.each([
  ['16 where the seeds do not say otherwise', ['--quick'], 16],
  ['one for each cell', PLAN, 8],
  [
    'the greatest number up to 16 that divides the seeds',
    ['--workload', 'bg', '--seeds', '36'],
    12,
  ],
  ['but not too few', ['--workload', 'bg', '--seeds', '34'], 16],
])('shards where nothing is said: %s', (_, words, shards) => {
  const { out } = cowbench('submit', '--dry-run', '--json', ...words)
  expect(JSON.parse(out).shards).toBe(shards)
})

test('a trace is made in one shard only if their number divides the seeds', () => {
  cowbench('submit', ...PLAN, '--shards', '2')
  for (const [shard, seed] of [
    ['1of2', 1],
    ['2of2', 2],
  ] as const) {
    const { traces } = JSON.parse(read('results', "it's.shards", shard, 'manifest.json'))
    expect(traces.map((trace: { seed: number }) => trace.seed)).toEqual([seed, seed])
  }
})

test.each<[string, string[], string]>([
  ['nothing', [], 'missing --workload: expected --workload, --trace or --quick; '],
  ['a policy', [...PLAN, '--policy', 'x'], 'unknown policy: x; '],
  [
    'too many shards',
    [...PLAN, '--shards', '9'],
    'invalid --shards: 9; expected a whole number from 1 to 8, the number of cells',
  ],
  ['no shards', [...PLAN, '--shards', '0'], 'invalid --shards: 0; expected a whole number from 1'],
  ['CPUs', [...PLAN, '--cpus-per-task', 'x'], 'invalid --cpus-per-task: x; expected a whole'],
  ['a shard', [...PLAN, '--shard', '1/2'], 'unknown flag: --shard; did you mean --shards? '],
  ['what is ours', [...PLAN, '--sbatch', 'array=1'], 'unsupported --sbatch: array; submit sets it'],
  ['what has a flag', [...PLAN, '--sbatch', 'mem=1'], 'unsupported --sbatch: mem; expected --mem'],
  [
    'a short option',
    [...PLAN, '--sbatch=-p'],
    'invalid --sbatch: -p; expected a long option of sbatch without its dashes, such as account=NAME or exclusive',
  ],
  [
    'a plan of nothing',
    ['--policy', 'on-demand-fork', '--workload', 'uffd-snapshot'],
    'invalid plan: no cells; on-demand-fork lacks uffd-wp, which uffd-snapshot needs\n',
  ],
])('refused in one line, before anything is submitted: %s', (_, words, line) => {
  const { code, out, err } = cowbench('submit', ...words)
  expect(err).toMatch(/^cowbench: .*\n$/)
  expect(err.slice('cowbench: '.length)).toContain(line)
  expect([code, out, existsSync(join(home, 'bin', 'calls'))]).toEqual([2, '', false])
})
