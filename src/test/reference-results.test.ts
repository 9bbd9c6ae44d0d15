/** The quick run, byte for byte as it is committed under results/reference/quick: rows and chart specs. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const REFERENCE = join(ROOT, 'results', 'reference', 'quick')
const AGAIN = 'npm run reference writes them again, if the difference is meant'

describe('the quick run', () => {
  let made: string

  beforeAll(() => {
    made = mkdtempSync(join(tmpdir(), 'cowbench-reference-'))
    const main = join(ROOT, 'dist', 'src', 'cli', 'main.js')
    const { status, stderr } = spawnSync(
      process.execPath,
      [main, 'run', '--quick', '--report', '--name', 'quick', '--out', made],
      { encoding: 'utf8' },
    )
    expect(stderr, 'nothing went wrong').not.toMatch(/error/i)
    expect(status).toBe(0)
  }, 600_000)
  afterAll(() => rmSync(made, { recursive: true, force: true }))

  const files = [
    'rows.csv',
    ...readdirSync(join(REFERENCE, 'charts')).map((name) => join('charts', name)),
  ]
  test.each(files)('%s is what is committed', (name) => {
    const expected = readFileSync(join(REFERENCE, name), 'utf8')
    expect(readFileSync(join(made, 'quick', name), 'utf8') === expected, AGAIN).toBe(true)
  })

  test('draws no chart that is not committed', () => {
    const specs = readdirSync(join(made, 'quick', 'charts')).filter((name) =>
      name.endsWith('.vl.json'),
    )
    expect(specs).toEqual(readdirSync(join(REFERENCE, 'charts')))
  })
})
