/** streams.test: who decides about colour. */
import { expect, test } from 'vitest'
import { wantsColor } from './streams.ts'

const terminal = { isTTY: true }
const file = { isTTY: false }

test.each([
  ['a terminal gets colour', undefined, terminal, {}, true],
  ['a file gets none', undefined, file, {}, false],
  ['NO_COLOR takes it from a terminal', undefined, terminal, { NO_COLOR: '1' }, false],
  ['an empty NO_COLOR is none', undefined, terminal, { NO_COLOR: '' }, true],
  ['FORCE_COLOR gives it to a file', undefined, file, { FORCE_COLOR: '1' }, true],
  ['FORCE_COLOR=0 takes it from a terminal', undefined, terminal, { FORCE_COLOR: '0' }, false],
  [
    'FORCE_COLOR is stronger than NO_COLOR',
    undefined,
    file,
    { FORCE_COLOR: '1', NO_COLOR: '1' },
    true,
  ],
  ['--no-color is stronger than FORCE_COLOR', false, terminal, { FORCE_COLOR: '1' }, false],
  ['--color is stronger than NO_COLOR', true, file, { NO_COLOR: '1' }, true],
  ['a dumb terminal gets none', undefined, terminal, { TERM: 'dumb' }, false],
] as const)('%s', (_, flag, stream, env, expected) => {
  expect(wantsColor(flag, stream, env)).toBe(expected)
})
