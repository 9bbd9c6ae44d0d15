/** completion.test: the words that a shell is offered. */
import { expect, test } from 'vitest'
import { completionsOf } from './completion.ts'
import { listCommand } from './list.ts'
import { runCommand } from './run.ts'

const complete = (...words: string[]) =>
  completionsOf(words, { run: runCommand, list: listCommand })

test('commands, then what they list, then their flags', async () => {
  expect(await complete('')).toEqual(['run', 'list', 'completion'])
  expect(await complete('r')).toEqual(['run'])
  expect(await complete('list', 'p')).toEqual(['policies', 'params'])
  expect(await complete('run', '--se')).toEqual(['--seeds', '--seed'])
})

test('policies and workloads by name, also after a comma', async () => {
  expect(await complete('run', '--policy', 'page')).toEqual(['page-count', 'page-count-refined'])
  expect(await complete('run', '--policy', 'mapcount,mm')).toEqual(['mapcount,mm-id'])
  expect(await complete('run', '--quick', '--workload', 'zy')).toEqual(['zygote'])
})

test('files are left to the shell', async () => {
  expect(await complete('run', '--trace', 're')).toEqual([])
  expect(await complete('nothing', 're')).toEqual([])
})
