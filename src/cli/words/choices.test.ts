/** choices.test: policies and kernels with parameters of their own, and what is refused of them. */
import { expect, test } from 'vitest'
import {
  choiceName,
  kernelChoice,
  policyChoice,
  policyOrKernel,
  settingsOf,
  withParams,
} from './choices.ts'

test('a name with settings is a variant, called as it was typed', async () => {
  const choice = await policyChoice('page-count:reclaimPin=no:clearRefsPin=yes')
  expect(choiceName(choice)).toBe('page-count:reclaimPin=no:clearRefsPin=yes')
  expect(settingsOf(choice).params).toEqual({ reclaimPin: false, clearRefsPin: true })
  expect(choiceName(await policyChoice('page-count'))).toBe('page-count')
})

test('of a kernel too, but for what the kernel fixes', async () => {
  const choice = await kernelChoice('5.15.135:reclaimPin=no')
  expect(choiceName(choice)).toBe('5.15.135:reclaimPin=no')
  expect(settingsOf(choice)).toMatchObject({ era: '5.15', params: { reclaimPin: false } })
  await expect(kernelChoice('5.9.1:reclaimPin=yes')).rejects.toThrow(
    'invalid parameter: reclaimPin; kernel 5.9.1 fixes it at no',
  )
})

test('a name is a kernel wherever there is one of that name', async () => {
  expect((await policyOrKernel('6.18.44')).kernel?.name).toBe('6.18.44')
  expect((await policyOrKernel('5.15.135:reclaimPin=no')).kernel?.name).toBe('5.15.135')
  expect((await policyOrKernel('mm-id')).kernel).toBeUndefined()
})

test('--param goes to each policy that has it, and one must', async () => {
  const choices = await Promise.all(['mapcount', 'page-count'].map(policyChoice))
  expect(withParams(choices, ['reclaimPin=no']).map(choiceName)).toEqual([
    'mapcount',
    'page-count:reclaimPin=no',
  ])
  expect(withParams(choices, [])).toEqual(choices)
  expect(() => withParams(choices, ['reclaimpin=no'])).toThrow(
    'unknown parameter: reclaimpin; did you mean reclaimPin? available: clearRefsPin, reclaimPin, writeProtectSeq',
  )
})

test.each([
  [
    'page-count:reclaimPn=no',
    'unknown parameter of page-count: reclaimPn; did you mean reclaimPin?',
  ],
  ['page-count:reclaimPin=perhaps', 'invalid reclaimPin: perhaps; expected yes or no'],
  ['page-count:reclaimPin=no:reclaimPin=yes', 'reclaimPin is set twice'],
  ['page-cuont:reclaimPin=no', 'unknown policy: page-cuont; did you mean page-count?'],
])('%s is refused', async (text, message) => {
  await expect(policyChoice(text)).rejects.toThrow(message)
})

test('what a variant fixes is not set once more', async () => {
  const choice = await policyChoice('page-count:reclaimPin=no')
  expect(() => withParams([choice], ['reclaimPin=yes'])).toThrow(
    'invalid parameter: reclaimPin; page-count:reclaimPin=no fixes it at no',
  )
})
