/** write-a-policy.test: docs/write-a-policy.md does what it shows, and leaves no moment out. */
import { expect, test } from 'vitest'
import { wholeMmBits, wholePageBits } from '../policy/own-bits.ts'
import { follow, readPage } from './page-commands.ts'

const PAGE = readPage('write-a-policy.md')

test('every command of the page does what the page shows', () => {
  expect(follow(PAGE)).toBeGreaterThanOrEqual(10)
})

test('the page names every moment of bits of one’s own', () => {
  const moments = [wholePageBits({ width: 1 }), wholeMmBits({ width: 1 })].flatMap((bits) =>
    Object.keys(bits ?? {}),
  )
  expect(moments.length).toBeGreaterThan(10)
  expect(moments.filter((moment) => !PAGE.includes(`\`${moment}`))).toEqual([])
})
