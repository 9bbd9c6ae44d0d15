/** plain-words.test: what is read without yargs is read as yargs reads it. */
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { allCommands } from '../commands.ts'
import type { Command } from './flag-table.ts'
import { readPlainly } from './plain-words.ts'
import { parseWithYargs } from './yargs-words.ts'

let commands: Map<string, Command>
beforeAll(async () => {
  commands = await allCommands()
})

function commandOf(name: string): Command {
  const command = commands.get(name)
  if (command === undefined) throw new RangeError(`unknown command: ${name}`)
  return command
}

/** Flags and words as the handler finds them; undefined for what was not given, or why yargs refuses. */
async function byYargs(words: readonly string[], command: Command): Promise<unknown> {
  let seen: unknown
  const handler = (argv: Readonly<Record<string, unknown>>): void => {
    seen = given(argv, command)
  }
  try {
    await parseWithYargs(words, [{ ...command, handler }], 100)
  } catch (error) {
    return (error as Error).message
  }
  return seen
}

function given(argv: Readonly<Record<string, unknown>>, { flags, command }: Command): unknown {
  const places = String(command)
    .split(' ')
    .slice(1)
    .map((place) => place.replace(/[<>[\].]/g, ''))
  const names = [...Object.keys(flags), ...places]
  const values = names.map((name) => [name, argv[name]] as const)
  // No words in the last place, and no last place, are the same to every handler.
  const told = values.filter(([, v]) => v !== undefined && !(Array.isArray(v) && v.length === 0))
  return { ...Object.fromEntries(told), _: argv['_'] }
}

test('flags with a value, switches, repetitions, short names, and words in their places', () => {
  const read = (line: string): unknown => {
    const words = line.split(' ')
    return readPlainly(words, commandOf(words[0] ?? ''))
  }
  expect(read('litmus a.cow b.cow --policy x,y --policy=z --drained')).toEqual({
    ...{ _: ['litmus'], $0: 'cowbench', files: ['a.cow', 'b.cow'] },
    ...{ policy: ['x,y', 'z'], drained: true },
  })
  expect(read('compare a --against b')).toMatchObject({ base: 'a', against: 'b' })
  expect(read('calibrate -o here.json')).toMatchObject({ output: 'here.json' })
})

test('whatever has to be refused or explained is left to yargs', () => {
  const lines = [
    'run --quik', // no such flag
    'run --seed', // no value
    'run --seed 1 --seed 2', // two values
    'run here', // a word without a place
    'report', // a place without a word
    'run --help',
    'record -o x -- ls -l',
    'trace info x', // a command of a command
    'trace', // none, where there must be one
    'trace --json',
    '--quick run', // a flag before the command
    'run --no-quick',
  ]
  for (const line of lines) {
    const words = line.split(' ')
    const command = commandOf(words.find((word) => !word.startsWith('-')) ?? '')
    expect([line, readPlainly(words, command)]).toEqual([line, undefined])
  }
})

test('whatever is read at all is read as yargs reads it, on random command lines', async () => {
  const names = ['run', 'report', 'compare', 'merge', 'list', 'litmus', 'live', 'calibrate']
  const word = fc.oneof(
    ...[fc.constantFrom('a', 'x.cow', '1', '0x10', '1e3', 'a=b', 'true', '-', '--', '-o', "'a'")],
    fc.string({ maxLength: 4 }),
  )
  const line = fc.constantFrom(...names).chain((name) => {
    const flags = Object.keys(commandOf(name).flags).map((flag) => `--${flag}`)
    const flag = fc.constantFrom(...flags)
    const part = fc.oneof(
      ...[flag.map((f) => [f]), fc.tuple(flag, word), word.map((w) => [w])],
      fc.tuple(flag, word).map(([f, w]) => [`${f}=${w}`]),
    )
    return fc.array(part, { maxLength: 4 }).map((parts) => [name, ...parts.flat()])
  })
  let plain = 0
  await fc.assert(
    fc.asyncProperty(line, async (words) => {
      const command = commandOf(words[0] ?? '')
      const read = readPlainly(words, command)
      if (read === undefined) return
      plain++
      expect(given(read, command)).toEqual(await byYargs(words, command))
    }),
    { numRuns: 400 },
  )
  expect(plain).toBeGreaterThan(60)
})
