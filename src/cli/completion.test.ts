/** completion.test: the words that a shell is offered. */
import { expect, test } from 'vitest'
import { completionsOf } from './completion.ts'
import { completionWords } from './words/completion-words.ts'

const all = await completionWords()
const none = { flags: [], subcommands: [] }
const { run = none, list = none } = all.commands
const complete = (...words: string[]) => completionsOf(words, { ...all, commands: { run, list } })

test('commands, then what they list, then their flags', () => {
  expect(complete('')).toEqual(['run', 'list', 'completion'])
  expect(complete('r')).toEqual(['run'])
  expect(complete('list', 'p')).toEqual(['policies', 'params'])
  expect(complete('run', '--se')).toEqual(['--seeds', '--seed'])
})

test('policies and workloads by name, also after a comma', () => {
  expect(complete('run', '--policy', 'page')).toEqual(['page-count', 'page-count-refined'])
  expect(complete('run', '--policy', 'mapcount,mm')).toEqual(['mapcount,mm-id'])
  expect(complete('run', '--quick', '--workload', 'zy')).toEqual(['zygote'])
})

test('files are left to the shell', () => {
  expect(complete('run', '--trace', 're')).toEqual([])
  expect(complete('nothing', 're')).toEqual([])
})

test('what every object has is no command and no flag', () => {
  expect(complete('constructor', '')).toEqual([])
  expect(complete('run', 'constructor', '')).toEqual([])
})
