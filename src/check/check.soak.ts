/**
 * check.soak: every small world searched whole under the three policies in which nothing may be found, and a table of how
 * far. Needs a build, which `npm run soak` makes. A row is kept until its search is run again, so that `-t 'mm-id in thp'`
 * renews one alone.
 *
 * COWBENCH_SOAK_DEPTH and COWBENCH_SOAK_MIB set how deep (of models that go deeper: so many levels more) and the memory of
 * one search.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { MODELS, type Model } from './models.ts'
import { type ModelResult, search } from './search.ts'

const FOLDER = fileURLToPath(new URL('../../results/soak', import.meta.url))
const FILE = `${FOLDER}/check.md`
const POLICIES = ['anon-exclusive', 'mm-id', 'clairvoyant']
/** Where two levels more take minutes, not hours. */
const FURTHER = [
  'fork-pin',
  'swap',
  'writeback',
  'protect',
  'family',
  'tables',
  'race',
  'fork-race',
]
const depth = Number(process.env['COWBENCH_SOAK_DEPTH'] ?? 8)
const memory = Number(process.env['COWBENCH_SOAK_MIB'] ?? 6144) * 2 ** 20

const searches = POLICIES.flatMap((policy) => MODELS.map((model) => [policy, model] as const))

test.each(searches.map(([policy, model]) => [policy, model.name, model] as const))(
  'nothing is found by %s in %s',
  async (policy, _name, model) => {
    const subject = { policy, params: {}, swapDisk: false }
    const before = process.cpuUsage()
    const [result] = await search({
      ...{ name: policy, subject, models: [model], depthOf, memory, jobs: 1 },
      ...{ goal: 'violation', every: true },
    })
    const { user, system } = process.cpuUsage(before)
    if (result === undefined) throw new Error('no result')
    keep(policy, model.name, result, (user + system) / 1e6)
    expect(result.counterexamples.map(({ sentence }) => sentence)).toEqual([])
    expect(result.stopped).toBe('')
  },
)

function depthOf({ name, deeper }: Model): number {
  return depth + deeper + (FURTHER.includes(name) ? 2 : 0)
}

/** Puts the row in the place of the one of the last time, in the order of the searches. */
function keep(policy: string, model: string, result: ModelResult, seconds: number): void {
  const { states, transitions, bytes, counterexamples, goalDepth } = result
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const reached = result.stopped === '' ? `${goalDepth}` : `${result.depth} (${result.stopped})`
  const row = [
    ...[policy, model, reached, states, transitions, counterexamples.length],
    ...[Math.round(bytes / 2 ** 20), seconds.toFixed(1)],
    ...[Math.round(transitions / seconds / 1000), new Date().toISOString().slice(0, 10), commit],
  ]
  const known = existsSync(FILE) ? readFileSync(FILE, 'utf8').split('\n') : []
  const rows = searches.flatMap(([name, { name: world }]) => {
    const own = `| ${name} | ${world} |`
    if (name === policy && world === model) return [`| ${row.join(' | ')} |`]
    return known.filter((line) => line.startsWith(own))
  })
  const text = [
    '# Nothing found by `cowbench check`',
    '',
    'Every sequence of so many actions, each state looked at; states are those that were kept to go on from. Seconds are',
    'CPU time with the start of the thread, thousands of transitions per second of it. Written by `npm run soak`',
    '(src/check/check.soak.ts).',
    '',
    '| policy | model | depth | states | transitions | findings | MiB | CPU s | k/s | date | commit |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|---|---|',
    ...rows,
    '',
  ]
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(FILE, text.join('\n'))
}
