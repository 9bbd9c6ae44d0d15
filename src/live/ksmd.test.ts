/** ksmd.test: what is written to a folder that stands for /sys/kernel/mm/ksm. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { holdKsmd } from './ksmd.ts'

const folder = mkdtempSync(join(tmpdir(), 'cowbench-ksm-'))
const set = (name: string, value: string): void => writeFileSync(join(folder, name), value)
const get = (name: string): string => readFileSync(join(folder, name), 'utf8')

test('ksmd is held, and let go as it was', () => {
  set('run', '1\n')
  set('smart_scan', '1\n')
  const letGo = holdKsmd(folder)
  expect([get('run'), get('smart_scan')]).toEqual(['0', '0'])
  letGo()
  expect([get('run'), get('smart_scan')]).toEqual(['1', '1'])
})

test('where there is no smart_scan, none is made', () => {
  rmSync(join(folder, 'smart_scan'))
  holdKsmd(folder)()
  expect(get('run')).toBe('1')
  expect(() => get('smart_scan')).toThrow('ENOENT')
  rmSync(folder, { recursive: true })
})
