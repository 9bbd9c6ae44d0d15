/** tell.test: `explain` as its users meet it, on tests and on cells of a run. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const MAIN = join(ROOT, 'dist/src/cli/main.js')
const LEAK = join(ROOT, 'workloads/litmus/20_cve_2020_29374_child_vmsplice.cow')

function explain(...words: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'explain', ...words], {
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}

test.each([
  ['--diff', 'mapcount', 'mm-id', LEAK],
  [LEAK, '--diff', 'mapcount', 'mm-id'],
  [LEAK, '--diff', 'mapcount,mm-id'],
])('two policies are compared however they are written: %s %s', (...words) => {
  const { code, out } = explain(...words)
  expect(code).toBe(0)
  expect(out).toMatch(/^mapcount and mm-id decide alike in 7 events, and part here:\n\nmapcount:\n/)
  expect(out).toMatch(/\nmm-id:\n +8 {2}write A buf\[0\] -> 0=copy\n/)
})

const CELL = ['--workload', 'direct-io', '--param', 'requests=20']

test('a cell is told by the events at which its policy was asked, a few at first', () => {
  const { code, out, err } = explain(...CELL, '--policy', 'mm-id', '--limit', '3')
  expect(code).toBe(0)
  expect(out.match(/^ *\d+ {2}process \d+ /gm)?.length).toBe(3)
  expect(err).toMatch(/^mm-id on direct-io: 3 of \d+ events told \(asked\); \d+ more with --limit /)
})

test('two values of a parameter part where the policy is asked about it', () => {
  const cell = ['--workload', 'direct-io', '--param', 'requests=200']
  const { code, out } = explain(...cell, '--diff', 'page-count', 'page-count:reclaimPin=no')
  expect(out).toMatch(
    /^page-count on direct-io and page-count:reclaimPin=no on direct-io decide alike in \d+ events, and part here:/,
  )
  expect(code).toBe(0)
})

test('an event of a cell is told alone, as text and as JSON', () => {
  const first = explain(...CELL, '--policy', 'page-count', '--only', 'interesting', '--limit', '1')
  const n = /^ *(\d+) {2}process/.exec(first.out)?.[1] ?? ''
  const { out } = explain(...CELL, '--policy', 'page-count', '--event', n, '--json')
  const told = JSON.parse(out)
  expect(told).toMatchObject({ n: Number(n), pages: [{ asked: [{ hook: expect.any(String) }] }] })
  expect(
    told.pages.some(({ judged }: { judged: { wrong: boolean }[] }) =>
      judged.some((each) => each.wrong),
    ),
  ).toBe(true)
})

test.each<[string, string[], RegExp]>([
  ['no policy', [LEAK], /^missing --policy: expected: one policy or --kernel, or --diff A,B$/],
  ['two policies', [LEAK, '--policy', 'mapcount,mm-id'], /^invalid --policy: mapcount,mm-id; /],
  [
    'nothing to tell',
    ['--policy', 'mm-id'],
    /^missing argument: expected: a \.cow file, --workload/,
  ],
  ['one to compare', [LEAK, '--diff', 'mapcount'], /^invalid --diff: mapcount; expected two /],
  [
    'no such event',
    [LEAK, '--policy', 'mm-id', '--event', '99'],
    /^unknown event: 99; mm-id has none/,
  ],
  [
    'no such page',
    [LEAK, '--policy', 'mm-id', '--page', 'bfu[0]'],
    /^unknown page: bfu\[0\]; available: /,
  ],
  [
    'no such choice',
    [LEAK, '--policy', 'mm-id', '--only', 'bad'],
    /^unknown --only: bad; available: all, /,
  ],
  [
    'a seed for a test',
    [LEAK, '--policy', 'mm-id', '--seed', '2'],
    /^unsupported --seed for a litmus/,
  ],
  [
    'a parameter of nobody',
    [LEAK, '--policy', 'mm-id', '--param', 'x=1'],
    /^unknown parameter of mm-id: x; /,
  ],
  [
    'one event of two policies',
    [LEAK, '--diff', 'mapcount,mm-id', '--event', '3'],
    /^unsupported --event with --diff: it tells where the two part$/,
  ],
  [
    'a few events of two policies',
    [LEAK, '--diff', 'mapcount,mm-id', '--limit', '3'],
    /^unsupported --limit with --diff: /,
  ],
  [
    'a page of two policies',
    [LEAK, '--diff', 'mapcount,mm-id', '--page', 'buf[0]'],
    /^unsupported --page with --diff: /,
  ],
  ...[
    ['--page', 'buf[0]'],
    ['--only', 'asked'],
    ['--limit', '3'],
  ].map(([flag = '', value = '']): [string, string[], RegExp] => [
    `one event, and ${flag}`,
    [LEAK, '--policy', 'mm-id', '--event', '3', flag, value],
    new RegExp(`^unsupported ${flag} with --event: that event is told, whatever it is$`),
  ]),
  [
    'a swap device for a cell',
    [...CELL, '--policy', 'mm-id', '--swap', 'disk'],
    /^unsupported --swap with --workload: it is for litmus tests$/,
  ],
  [
    'drained batches for a cell',
    ['--trace', 'no.trace', '--policy', 'mm-id', '--drained'],
    /^unsupported --drained with --trace: it is for litmus tests$/,
  ],
  [
    'a workload and a trace',
    [...CELL, '--trace', 'no.trace', '--policy', 'mm-id'],
    /^unsupported --trace with --workload: one cell is told$/,
  ],
  [
    'a trace and a workload',
    ['no.trace', ...CELL, '--policy', 'mm-id'],
    /^unsupported --workload with no\.trace: one cell is told$/,
  ],
  [
    'two workloads',
    ['--workload', 'zygote,snapshot', '--policy', 'mm-id'],
    /^invalid --workload: zygote,snapshot; expected one$/,
  ],
  ['no such file', ['no.cow', '--policy', 'mm-id'], /^missing file: no\.cow$/],
  [
    'an unfit policy',
    ['--workload', 'pte-mapped-thp', '--policy', 'early-decow'],
    /^unsupported workload: pte-mapped-thp; early-decow lacks /,
  ],
])('refused in one line, with exit code 2: %s', (_, words, line) => {
  const { code, out, err } = explain(...words)
  expect(err).toMatch(/^cowbench: .*\n$/)
  expect(err.slice('cowbench: '.length).trimEnd()).toMatch(line)
  expect([code, out]).toEqual([2, ''])
})
