/** say.test: a failing expectation reads as a sentence about who sees what. */
import { expect, test } from 'vitest'
import { expectationFor } from './expect.ts'
import { parseLitmus } from './parse.ts'
import { OperationResult } from './result.ts'
import { say, sayFailure } from './say.ts'

/** The last operation of a test, said to have shown `outcome`. */
function said(lines: string, outcome: string, flags: string[] = []): string {
  const parsed = parseLitmus(`spawn A\nmmap A buf 8\nwrite A buf\nfork A B\n${lines}`, 't.cow')
  const operation = parsed.operations.at(-1)
  if (operation === undefined) throw new Error('no operation')
  return say(parsed, new OperationResult('t', 'p', operation, outcome, flags))
}

test('a pipe that leaks names who stored what it shows', () => {
  const lines = 'pin B buf[0] P1 vmsplice\nmunmap B buf\nwrite A buf[0]\ndevread P1[0]'
  expect(said(lines, 'leak')).toBe('the pipe held by B shows what A stored after fork')
})

test('the author of a leak is the last who stored there, through mappings, moves and devices', () => {
  const pin = 'pin A buf[2] P1 iouring\n'
  expect(said(`${pin}write B buf[2]\nwrite B buf[3]\ndevread P1[0]`, 'leak')).toMatch(
    /what B stored/,
  )
  expect(said(`${pin}mremap B buf[2..3] b2\npoke B b2[0]\ndevread P1[0]`, 'leak')).toMatch(
    /what B /,
  )
  // Nobody but A, the owner, stored to page 2: whoever it was did so in a way that the test does not show.
  expect(said(`${pin}write B buf[3]\nwrite A buf[2]\ndevread P1[0]`, 'leak')).toBe(
    'the io_uring buffer registered by A shows what another process stored after fork',
  )
  const device = 'pin B buf[4..5] P2 dmapin\ndevwrite P2[1]\nread A buf[5]'
  expect(said(device, '5=nofault', ['leak'])).toBe(
    "A's load of buf[5] shows what a device of B stored after fork; A's load of buf[5] found the page mapped",
  )
})

test.each([
  [
    'write A buf[0..3]',
    '0..1=reuse,2..3=copy',
    "A's store to buf[0..1] took a fault and kept the page; A's store to buf[2..3] was given a copy in another frame",
  ],
  [
    'write B buf[7]',
    '7=thp_copy_order0',
    "B's store to buf[7] was given a 4 KiB copy out of its huge folio",
  ],
  ['read B buf[0]', '0=swapin', "B's load of buf[0] brought the page back from swap"],
  ['poke A buf[1]', 'inplace', "the forced store to A's buf[1] kept the page"],
  ['pin A buf P1 iouring', 'moved', "pin P1 moved A's page to another frame"],
  ['pin A buf P1 iouring', 'error', 'pin P1 of A was refused'],
  ['pin A buf P1 iouring\ndevread P1[0]', 'error', 'the pin had been refused'],
  [
    'pin A buf P1 odirect\ndevread P1[0]',
    'incoherent',
    'the O_DIRECT buffer of A and the page that A maps there hold different bytes',
  ],
  [
    'pin A buf P1 ropin\ndevread P1[0..3]',
    '0..2=coherent,3=noleak',
    'the read-only DMA buffer pinned by A (its pages 0..2) shows what A would load there; the read-only DMA buffer pinned by A (its page 3) shows only bytes that A may see',
  ],
  ['swapout A buf', 'n8:present2:swapped6', 'of 8 pages 2 are present and 6 in swap'],
  ['swapout A buf', 'waits', 'A has to wait for a lock'],
  ['pin A buf P1 iouring', 'waits', 'A has to wait for a lock'],
  ['begin T pin A buf[0] P1 dmapin\nstep T', 'waits', 'it has to wait for a lock'],
  ['begin T pin A buf[0] P1 dmapin\ndevread P1', 'waits', "A's pin P1 is still being taken"],
  ['begin T pin A buf[0] P1 dmapin\nunpin P1', 'waits', "A's pin P1 is still being taken"],
  ['madvise A buf collapse', 'error', 'it was refused'],
])('%s showing %s', (lines, outcome, sentence) => {
  expect(said(lines, outcome)).toBe(sentence)
})

test('a load that does not return the last store says so', () => {
  expect(said('read A buf[0..1]', '0..1=nofault', ['mismatch'])).toBe(
    "A's load of buf[0..1] does not return the last store; A's load of buf[0..1] found the page mapped",
  )
})

test('a failure gives the place, what was expected and what was seen', () => {
  const text = 'spawn A\nmmap A buf 8\nwrite A buf[0]\nexpect copy'
  const parsed = parseLitmus(text, 'dir/t.cow')
  const operation = parsed.operations.at(-1)
  const expectation = operation && expectationFor(operation, ['p'])
  if (operation === undefined || expectation === undefined) throw new Error('no expectation')
  const result = new OperationResult('t', 'p', operation, '0=zerofill')
  expect(sayFailure(parsed, expectation, result)).toBe(
    "dir/t.cow:3: write A buf[0]: expected copy, got 0=zerofill under p: A's store to buf[0] filled a hole by one page",
  )
})
