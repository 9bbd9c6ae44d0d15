/** misread.test: words in odd forms and places are refused by their names, and never taken for something else. */
import { expect, test } from 'vitest'
import { litmusCommand } from '../litmus.ts'
import { obey } from '../program.ts'
import { recordCommand } from '../record.ts'
import { readable } from './misread.ts'
import { usageMessage } from './usage-error.ts'

test.each([
  // A flag before the command: yargs would take `run` for its value.
  ['--quick run', 'missing command before --quick; expected: cowbench run --quick'],
  ['--json list policies', 'missing command before --json; expected: cowbench list --json'],
  ['--quick', 'missing command before --quick; expected: cowbench COMMAND --quick'],
  ['-- run', 'missing command before --; expected: cowbench run --'],
  // A switch with a value: yargs would turn it off.
  ['run --quick=yes', 'invalid --quick: yes; expected no value'],
  ['list policies --json=1', 'invalid --json: 1; expected no value'],
  ['run --help=3', 'invalid --help: 3; expected no value'],
  ['--color=maybe run', 'invalid --color: maybe; expected no value'],
  // No value.
  ['run --no-policy', 'unsupported --no-policy: --policy takes a value'],
  ['run --name=', 'missing value: --name'],
  ['run --out "" --quick', 'missing value: --out'],
  ['trace convert x -o ""', 'missing value: -o'],
  ['trace convert x -o', 'missing value: -o'],
  ['""', 'unknown command: ""; available: '],
  ['litmus ""', 'unknown argument: ""; expected: cowbench litmus [files..] (see --help)'],
  // What comes after `--` would be left where nobody looks.
  ['run --quick -- --seeds 3', 'unsupported argument after --: --seeds; expected no more flags'],
  ['run -- here', 'unknown argument: here; expected: cowbench run (see --help)'],
  ['record "" -- ls', 'unknown argument: ""; expected: cowbench record [cmd..] (see --help)'],
  // One dash with several letters: yargs would make a flag of each.
  ['run -json', 'unknown flag: -json; did you mean --json? available: '],
  ['trace convert x -oy.trace', 'unknown flag: -oy.trace; available: --output, '],
  ['completion bash zsh', 'unknown argument: zsh; expected: cowbench completion bash|zsh'],
])('refused: %s', async (line, said) => {
  const words = line.split(' ').map((word) => (word === '""' ? '' : word))
  const error: unknown = await obey(words, 100).catch((thrown: unknown) => thrown)
  expect(usageMessage(error)?.slice(0, said.length)).toBe(said)
})

test('after -- there are only words, of a command that is recorded any words', () => {
  expect(readable(['litmus', '--json', '--', 'a.cow'], litmusCommand)).toEqual([
    ...['litmus', '--json', 'a.cow'],
  ])
  const recorded = ['record', '-o', 'x', '--', 'ls', '-l', '', '-', '--quick=yes', '--', 'y']
  expect(readable(recorded, recordCommand)).toEqual(recorded)
})

test('what is odd but clear is read', () => {
  for (const line of [
    'litmus --json=true',
    'litmus --no-json',
    'litmus --policy=a=b --swap disk',
  ]) {
    expect(readable(line.split(' '), litmusCommand)).toEqual(line.split(' '))
  }
})
