/** other-kernel.test: what scripts/other-kernel.ts refuses before it boots anything. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const DEB = 'linux-image-6.1.0-56-amd64_6.1.192-1_amd64.deb'
const WORDS = [DEB, '--against', '6.1.192']

test.each<[string[], string]>([
  [
    [...WORDS, '--random', 'abc'],
    'invalid --random: abc; expected a whole number from 1 to 10000000',
  ],
  [[...WORDS, '--random', '0'], 'invalid --random: 0; expected a whole number from 1 to 10000000'],
  [
    [...WORDS, '--random', '9', '--seed', 'x'],
    'invalid --seed: x; expected a whole number from 0 to 9007199254740991',
  ],
  [[...WORDS, '--randon', '9'], "invalid arguments: Unknown option '--randon'"],
  [[...WORDS, '--random'], "invalid arguments: Option '--random <value>' argument missing"],
  [[...WORDS, '--seed', '9'], 'unsupported --seed without --random'],
  [[...WORDS, 'fork.cow', '--random', '9'], 'unsupported fork.cow with --random: it runs no files'],
  [[...WORDS, 'fork.cwo'], 'unknown argument: fork.cwo; expected files that end in .deb .ko .cow'],
  [
    ['--against', '6.1.192'],
    'missing argument: expected: linux-image-NAME_VERSION_amd64.deb... --against NAME [--random N] [FILE.cow...]',
  ],
])('a mistake is one line and exit code 2: %j', (words, line) => {
  const jiti = ['node_modules/jiti/lib/jiti-cli.mjs', 'scripts/other-kernel.ts', ...words]
  const { status, stdout, stderr } = spawnSync(process.execPath, jiti, { encoding: 'utf8' })
  expect([status, stdout, stderr]).toEqual([2, '', `other-kernel: ${line}\n`])
})
