/** search.test: what `check` prints to be typed again, and what it refuses. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench check run '))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const check = (...words: string[]): Ended => cowbench('check', ...words)

function cowbench(...words: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ cwd: home, encoding: 'utf8' },
  })
  return { code: status, out: stdout, err: stderr }
}

test('the command that shows a finding again can be typed as it is', () => {
  const { code, out } = check(
    ...['mapcount', '--depth', '3', '--model', 'fork-pin', '--swap', 'disk'],
    ...['--out', 'my findings'],
  )
  expect(code).toBe(3)
  expect(out).toContain(
    "# replay: cowbench litmus 'my findings/mapcount-fork-pin-1.cow' --policy mapcount --swap disk\n",
  )
})

test('findings are written to --out whether they are printed as text or as JSON', () => {
  const words = ['mapcount', '--depth', '3', '--model', 'fork-pin', '--out', 'as-json', '--json']
  const { code, out, err } = check(...words)
  expect([code, err]).toEqual([3, ''])
  expect(readdirSync(join(home, 'as-json'))).toEqual(['mapcount-fork-pin-1.cow'])
  const text = readFileSync(join(home, 'as-json', 'mapcount-fork-pin-1.cow'), 'utf8')
  const { models } = JSON.parse(out)
  expect(models[0].findings.map(({ cow }: { cow: string }) => cow)).toEqual([text])
})

test('a place that findings cannot go to is said before the search, findings or none', () => {
  writeFileSync(join(home, 'a-file'), '')
  const words = ['mm-id', '--depth', '2', '--model', 'fork-pin', '--out', 'a-file/within']
  expect(check(...words)).toEqual({
    ...{ code: 2, out: '', err: 'cowbench: invalid path: a-file/within (ENOTDIR)\n' },
  })
})

test('a variant is named as it is to be typed again, and so are two', () => {
  const variant = check('page-count', '--param', 'reclaimPin=no', '--model', 'swap', '--depth', '3')
  expect(variant.out).toMatch(
    /# replay: .*cowbench litmus found.cow --policy page-count:reclaimPin=no\n$/,
  )
  expect(variant.code).toBe(3)
  const kernel = ['--kernel', '5.15.135', '--param', 'reclaimPin=no']
  expect(check(...kernel, '--model', 'swap', '--depth', '3').out).toMatch(
    / --kernel 5\.15\.135:reclaimPin=no\n$/,
  )
  const two = check(
    ...['page-count', '--against', 'page-count:reclaimPin=no'],
    ...['--model', 'swap', '--depth', '3'],
  )
  expect(two.out).toContain('is n1:present1:swapped0 under page-count, n1:present0:swapped1 under')
  expect(two.out).toMatch(/ --policy page-count,page-count:reclaimPin=no\n$/)
  expect(two.code).toBe(0)
})

test('of several findings each is a file, which is said and done with --out', () => {
  const words = ['page-count', '--model', 'fork-pin,swap', '--depth', '5', '--every']
  const printed = check(...words)
  // One of fork-pin, two of swap.
  expect(printed.out.match(/^# replay: .*$/gm)).toEqual(
    Array.from(
      { length: 3 },
      () =>
        '# replay: save this finding alone as found.cow (--out DIR writes a file for each), then: cowbench litmus found.cow --policy page-count',
    ),
  )
  expect([printed.code, printed.err]).toEqual([
    3,
    '3 findings, each a .cow file of its own: --out DIR writes them\n',
  ])

  const written = check(...words, '--out', 'each')
  expect([written.code, written.err]).toEqual([3, ''])
  const files = ['fork-pin-1', 'swap-1', 'swap-2'].map((name) => `page-count-${name}.cow`)
  expect(readdirSync(join(home, 'each'))).toEqual(files)
  expect(written.out.match(/^# replay: .*$/gm)).toEqual(
    files.map((file) => `# replay: cowbench litmus each/${file} --policy page-count`),
  )
  const { code, err } = cowbench('litmus', 'each', '--policy', 'page-count')
  expect([code, err]).toEqual([0, '3 tests under 1 policy: 11 expectations met, 0 not\n'])
})

test('a search of no model is refused', () => {
  expect(check('no-unmap-gup', '--model', 'thp', '--depth', '3')).toEqual({
    ...{ code: 2, out: '' },
    err: [
      'thp is left out: no-unmap-gup has no rule for thp',
      'cowbench: unsupported --model: thp; expected one that is not left out',
      '',
    ].join('\n'),
  })
  const races = check('mm-id', '--against', 'mapcount', '--model', 'race,fork-race')
  expect(races.code).toBe(2)
  expect(races.err).toMatch(
    /\ncowbench: unsupported --model: race,fork-race; expected one that is not left out\n$/,
  )
})

test('random sequences are refused where they would not be drawn', () => {
  expect(check('mapcount', '--goal', 'missed-reuse', '--time', '5')).toEqual({
    ...{ code: 2, out: '' },
    err: 'cowbench: unsupported --time with --goal missed-reuse: random sequences look for violations\n',
  })
})

test.each([[[]], [['--time', '0']]])('a seed of no random sequences is refused (%j)', (words) => {
  expect(check('mapcount', '--seed', '5', ...words)).toEqual({
    ...{ code: 2, out: '', err: 'cowbench: unsupported --seed without --time\n' },
  })
})
