/**
 * page: docs/debates.md, whose tables and charts are what the commands on the page print.
 *
 * A code block of `npx cowbench ...` lines is followed by `<!-- output -->` ... `<!-- end -->`, which holds what the
 * lines print, and a picture for each chart that `<!-- output: sweep, violations -->` names.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CHARTS } from '../../src/report/charts.ts'
import type { ChartSpec } from '../../src/report/spec.ts'
import { readRows } from '../../src/results/rows.ts'
import { markOf } from '../picture.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAIN = join(ROOT, 'dist', 'src', 'cli', 'main.js')
const BLOCK =
  /```sh\n((?:npx cowbench [^\n]*\n)+)```\n\n(<!-- output(?::([^\n]*?))? -->)\n[\s\S]*?<!-- end -->/g

export interface Picture {
  /** Its file, beside the page in debates/. */
  readonly file: string
  readonly spec: ChartSpec
}

export interface Page {
  readonly text: string
  readonly pictures: readonly Picture[]
}

/**
 * The page with every output made anew by running its commands, whose results go to `dir`; or only the outputs of the
 * runs that `names` names.
 */
export function renewed(page: string, dir: string, names: readonly string[] = []): Page {
  const pictures: Picture[] = []
  const text = page.replace(BLOCK, (old, commands: string, begin: string, charts?: string) => {
    const lines = commands.trim().split('\n')
    if (names.length > 0 && !names.includes(nameOf(lines) ?? '')) return old
    const printed = lines.map((line) => run(line, dir)).filter((output) => output !== '')
    const ids = (charts ?? '').split(',').flatMap((id) => id.trim() || [])
    const drawn = ids.map((id) => drawing(id, lines, dir))
    pictures.push(...drawn)
    const images = drawn.map(
      ({ file, spec }) => `![${sentence(spec)}](debates/${file} "${markOf(spec)}")`,
    )
    const output = [...printed, ...images].join('\n\n')
    return `\`\`\`sh\n${commands}\`\`\`\n\n${begin}\n\n${output}\n\n<!-- end -->`
  })
  return { text, pictures }
}

/** Of the block's last `run`. */
function nameOf(lines: readonly string[]): string | undefined {
  return lines.flatMap((line) => / --name ([^ ]+)/.exec(line)?.[1] ?? []).at(-1)
}

/** What the command prints; of `run`, whose table the next line asks for in another form, nothing. */
function run(line: string, dir: string): string {
  const words = line.split(' ').slice(2)
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ cwd: words[0] === 'litmus' ? ROOT : dir, encoding: 'utf8', maxBuffer: 2 ** 26 },
  })
  if (status !== 0) throw new Error(`${line}: exit code ${status}\n${stderr}`)
  if (words[0] === 'run') return ''
  return words.includes('markdown') ? stdout.trim() : `\`\`\`\n${stdout.trim()}\n\`\`\``
}

/** A chart of the rows that the block's last `run` left. */
function drawing(id: string, lines: readonly string[], dir: string): Picture {
  const name = nameOf(lines)
  if (name === undefined) throw new Error(`missing --name: ${lines.join('; ')}`)
  const spec = CHARTS.find((chart) => chart.id === id)?.draw(readRows(join(dir, 'results', name)))
  if (spec === undefined) throw new Error(`missing chart: ${id} of ${name}`)
  return { file: `${name}-${id}.svg`, spec }
}

/** What the chart says to look at. */
function sentence({ title }: ChartSpec): string {
  const text = typeof title === 'object' && title !== null && 'text' in title ? title.text : ''
  return [text].flat().join(' ')
}
