/**
 * bench: measures the simulator's own speed and memory against the running kernel, against C and against itself.
 *
 *   npm run bench                     everything: prints the floor and a table, writes results/bench/latest.*
 *   npm run bench -- P1 P3            some ratios; `floor` is the first part
 *   npm run bench -- --quick          one round of short samples: shows that it works, not how fast it is
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildPrograms } from './bench/c-programs.ts'
import { measureFloor } from './bench/floor.ts'
import { hasReference } from './bench/naive.ts'
import { FULL, QUICK, type Ratio, ratiosOf } from './bench/ratios.ts'
import { entriesOf, markdownTable, type Skipped, writeReport } from './bench/report.ts'
import { measureRounds } from './bench/rounds.ts'
import { sampleRunner } from './bench/samples.ts'
import { measureScaling, SCALING } from './bench/scaling.ts'
import { onOneCpu } from './bench/side-by-side.ts'
import { TraceFiles } from './bench/traces.ts'

const SAMPLE = fileURLToPath(new URL('bench/sample.js', import.meta.url))
const CLI = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))
const FLOOR = 'floor'

const { values, positionals } = flags()

const ratios = ratiosOf(values.quick ? QUICK : FULL, CLI)
const known = [FLOOR, ...ratios.map(({ id }) => id), SCALING.id]
const wanted = positionals.length > 0 ? positionals : known
const unknown = wanted.find((id) => !known.includes(id))
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
if (unknown !== undefined) refuse(`unknown ratio: ${unknown}; available: ${known.join(', ')}`)
if (!(rounds >= 1)) refuse(`invalid rounds: ${values.rounds}; expected a number from 1`)

const dir = mkdtempSync(join(tmpdir(), 'cowbench-bench-'))
process.once('SIGINT', () => process.exit(130))
process.once('exit', () => rmSync(dir, { recursive: true, force: true }))

const { programs, reason: noC } = buildPrograms(dir)
const runner = sampleRunner(SAMPLE, new TraceFiles(dir), programs)
if (wanted.includes(FLOOR)) measureFloor(runner, rounds)

if (onOneCpu().length === 0)
  say('no taskset: what P5 and P9 compare runs on any CPU, with more noise')

const skipped: Skipped[] = []
const possible = ratios.filter((ratio) => {
  if (!wanted.includes(ratio.id)) return false
  const reason = missing(ratio)
  if (reason === undefined) return true
  skipped.push({ id: ratio.id, title: ratio.title, reason })
  say(`skipped ${ratio.id} (${ratio.title}): ${reason}`)
  return false
})
const outcome = measureRounds(possible, rounds, runner, say)
for (const line of outcome.agreements) say(`counted alike: ${line}`)
for (const line of outcome.disagreements) say(`counted differently: ${line}`)
if (outcome.waiting > 0.2) {
  say(
    `the machine is busy: ${Math.round(100 * outcome.waiting)} % of the time went by in the run queue`,
  )
}
const entries = entriesOf(outcome, skipped)
if (wanted.includes(SCALING.id)) {
  entries[SCALING.id] = await measureScaling(CLI, rounds, values.quick)
}
if (Object.keys(entries).length > 0) {
  process.stdout.write(markdownTable(entries))
  await writeReport(values.out, entries, outcome, rounds)
  say(`written: ${join(values.out, 'latest.json')}, latest.md, latest.svg`)
}

function missing({ needsC, needsReference }: Ratio): string | undefined {
  if (needsC === true && noC !== undefined) return noC
  if (needsReference === true && !hasReference()) return 'the reference model is not installed'
  return undefined
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`)
}

function refuse(line: string): never {
  say(line)
  process.exit(2)
}

function flags() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        out: { type: 'string', default: join('results', 'bench') },
      },
    })
  } catch (error) {
    const [line] = (error as Error).message.split('. ')
    return refuse(`${line}; available: P1 P2, --quick, --rounds N, --out DIR`)
  }
}
