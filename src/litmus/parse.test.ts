/** parse.test: the language, good and bad: every rule of docs/litmus.md has a mistake here that it catches. */
import { expect, test } from 'vitest'
import { MADV_COLLAPSE, MADV_DONTFORK, PIN_ROPIN, PIN_VMSPLICE, PROT_READ } from '../trace/ops.ts'
import { LitmusError } from './litmus-error.ts'
import { parseLitmus, testName } from './parse.ts'

const START = 'spawn A\nmmap A buf 8\n'

/** Parses a test whose first two lines are START, and returns its last operation. */
function last(lines: string) {
  const operation = parseLitmus(START + lines, 't.cow').operations.at(-1)
  if (operation === undefined) throw new Error('no operation')
  return operation
}

function mistake(text: string): string {
  try {
    parseLitmus(text, 't.cow')
  } catch (error) {
    if (error instanceof LitmusError) return error.message
    throw error
  }
  return 'no mistake'
}

test('comments, blank lines and expect lines are not counted, and lines are', () => {
  const { operations } = parseLitmus(
    '# a test\n\nspawn A   # the parent\nexpect ok\n\n  mmap A  buf 8\r\nwrite A buf[0]\n',
    'dir/t.cow',
  )
  expect(operations.map(({ n, line, text }) => [n, line, text])).toEqual([
    [1, 3, 'spawn A'],
    [2, 6, 'mmap A buf 8'],
    [3, 7, 'write A buf[0]'],
  ])
})

test('a test is named after its file', () => {
  expect(testName('workloads/litmus/01_fork.cow')).toBe('01_fork')
  expect(testName('C:\\tests\\01_fork.cow')).toBe('01_fork')
  expect(testName('01_fork.txt')).toBe('01_fork.txt')
})

test('a range is one page, several pages, or without brackets the whole area', () => {
  expect(last('write A buf[3]')).toMatchObject({ first: 3, pages: 1 })
  expect(last('write A buf[2..7]')).toMatchObject({ first: 2, pages: 6 })
  expect(last('write A buf')).toMatchObject({ first: 0, pages: 8 })
})

test('every area starts a 2 MiB range of its own', () => {
  const { operations } = parseLitmus(
    'spawn A\nmmap A a 513\nspawn B\nmmap B b 1\nmmap A c 512 thp\nwrite A c[2]',
    't.cow',
  )
  // a takes two ranges of 512 pages, b one: c starts the fourth.
  expect(operations.map(({ vpn }) => vpn)).toEqual([-1, 0, -1, 1024, 1536, 1538])
})

test('mremap moves pages to a new area that is numbered from 0 again', () => {
  expect(last('mremap A buf[4..7] buf2\nwrite A buf2[3]')).toMatchObject({ vpn: 512 + 3, first: 3 })
  expect(last('mremap A buf[4..7] buf2')).toMatchObject({ vpn: 4, pages: 4, value: 512 })
  expect(mistake(`${START}mremap A buf[4..7] buf2\nwrite A buf2[4]`)).toBe(
    't.cow:4: invalid range: buf2[4]; area buf2 has pages 0..3',
  )
})

test('a child has the areas that its parent had at fork', () => {
  expect(last('fork A B\nwrite B buf[1]')).toMatchObject({ mm: 1, vpn: 1 })
  expect(mistake(`${START}fork A B\nmmap A late 8\nwrite B late[0]`)).toBe(
    't.cow:5: unknown area: late; available: buf',
  )
})

test('an area name is free again once nothing of it is mapped', () => {
  expect(last('munmap A buf\nmmap A buf 4\nwrite A buf[0]')).toMatchObject({ vpn: 512 })
  expect(last('fork A B\nmadvise A buf dontfork\nfork A C\nmmap C buf 4')).toMatchObject({ mm: 2 })
  expect(last('exec A\nmmap A buf 4')).toMatchObject({ vpn: 512 })
  expect(mistake(`${START}munmap A buf[0..6]\nmmap A buf 4`)).toBe('t.cow:4: duplicate area: buf')
})

test('the operands of madvise, mprotect, pin and writesame', () => {
  expect(last('madvise A buf collapse')).toMatchObject({ value: MADV_COLLAPSE, pages: 8 })
  expect(last('madvise A buf[1] dontfork')).toMatchObject({ value: MADV_DONTFORK, first: 1 })
  expect(last('mprotect A buf[1..2] ro')).toMatchObject({ value: PROT_READ })
  expect(last('pin A buf[1..2] P1 ropin')).toMatchObject({ value: PIN_ROPIN, pin: 0, vpn: 1 })
  expect(last('pin A buf P1 vmsplice\nunpin P1\npin A buf[4..5] P1 vmsplice')).toMatchObject({
    value: PIN_VMSPLICE,
    pin: 1,
  })
  const { operations } = parseLitmus(`${START}writesame A buf\nwritesame A buf`, 't.cow')
  // Every store writes fresh bytes: the second run of equal pages is not equal to the first.
  expect(operations[2]?.value).not.toBe(operations[3]?.value)
})

test('device accesses are numbered within the pin', () => {
  expect(last('pin A buf[4..7] P1 iouring\ndevread P1[1..2]')).toMatchObject({
    mm: 0,
    pin: 0,
    first: 1,
    pages: 2,
  })
  expect(last('pin A buf[4..7] P1 iouring\ndevread P1')).toMatchObject({ first: 0, pages: 4 })
})

test('an area kind tells what is mapped and how large a folio may be', () => {
  expect(last('mmap A t 512 thp')).toMatchObject({ map: 0, folioOrder: 9 })
  expect(last('mmap A f 8 file')).toMatchObject({ map: 1, folioOrder: 0, object: 1 })
  expect(last('mmap A s 8 shmem')).toMatchObject({ map: 2, folioOrder: 0 })
})

test.each([
  [
    'wirte A buf[0]',
    /^t\.cow:3: unknown operation: wirte; did you mean write\? available: spawn, mmap, /,
  ],
  ['write C buf[0]', 't.cow:3: unknown process: C; available: A'],
  ['write A bfu[0]', 't.cow:3: unknown area: bfu; did you mean buf? available: buf'],
  ['write A buf[8]', 't.cow:3: invalid range: buf[8]; area buf has pages 0..7'],
  ['write A buf[5..2]', 't.cow:3: invalid range: buf[5..2]; expected the lower page first'],
  ['write A buf[1-2]', 't.cow:3: invalid range: buf[1-2]; expected NAME[i] or NAME[i..j]'],
  ['write A', 't.cow:3: missing operand; expected: write PROCESS AREA[PAGES]'],
  ['write A buf[0] now', 't.cow:3: unknown operand: now; expected: write PROCESS AREA[PAGES]'],
  ['poke A buf[0..1]', 't.cow:3: invalid range: buf[0..1]; expected one page'],
  ['begin T', 't.cow:3: missing operand; expected: begin TASK OPERATION'],
  [
    'begin T exit A',
    't.cow:3: unknown operation in steps: exit; available: fork, pin, swapout, write',
  ],
  ['begin T write A buf', 't.cow:3: invalid range: buf; expected one page'],
  ['begin T fork A B\nbegin T fork A C', 't.cow:4: duplicate task: T'],
  ['begin T fork A B\nstep S', 't.cow:4: unknown task: S; available: T'],
  [
    'begin T fork A B\nstep T tset',
    /^t\.cow:4: unknown step: tset; did you mean test\? available: begin, table, /,
  ],
  ['spawn A', 't.cow:3: duplicate process: A'],
  ['spawn 1', 't.cow:3: invalid process: 1; expected letters, digits and _'],
  ['fork A A', 't.cow:3: duplicate process: A'],
  ['exit A\nwrite A buf[0]', 't.cow:4: invalid process: A has exited'],
  ['exit A\nspawn A', 't.cow:4: duplicate process: A'],
  ['exec A\nwrite A buf[0]', 't.cow:4: unknown area: buf; available: none'],
  ['mmap A buf 8', 't.cow:3: duplicate area: buf'],
  ['mmap A b 0', 't.cow:3: invalid page count: 0; expected 1 to 1048576'],
  ['mmap A b x', 't.cow:3: invalid page count: x; expected 1 to 1048576'],
  [
    'mmap A b 8 thpp',
    't.cow:3: unknown area kind: thpp; did you mean thp? available: thp, shared, file, shmem, shmemthp',
  ],
  ['mremap A buf buf', 't.cow:3: duplicate area: buf'],
  ['mprotect A buf rx', 't.cow:3: unknown protection: rx; did you mean ro? available: ro, rw'],
  [
    'madvise A buf dontned',
    /unknown advice: dontned; did you mean dontneed\? available: dontneed, free, /,
  ],
  ['madvise A dontneed', 't.cow:3: missing operand; expected: madvise PROCESS AREA[PAGES] ADVICE'],
  ['uffdwp A buf maybe', 't.cow:3: unknown switch: maybe; available: on, off'],
  ['clearrefs A 3', 't.cow:3: unsupported clear_refs value: 3; expected: 4'],
  [
    'pin A buf P1 splice',
    't.cow:3: unknown pin kind: splice; did you mean vmsplice? available: vmsplice, iouring, odirect, dmapin, ropin',
  ],
  ['pin A buf P1 iouring\npin A buf P1 iouring', 't.cow:4: duplicate pin: P1'],
  ['devread P1[0]', 't.cow:3: unknown pin: P1; available: none'],
  [
    'pin A buf[0] P1 iouring\ndevread P1[1]',
    't.cow:4: invalid range: P1[1]; pin P1 has pages 0..0',
  ],
  ['pin A buf P1 iouring\nunpin P1\nunpin P1', 't.cow:5: invalid pin: P1 has been dropped'],
  [
    'fork A B\npin B buf P1 iouring\nexit B\ndevread P1[0]',
    't.cow:6: invalid pin: P1 has been dropped',
  ],
  [
    'begin T pin A buf[0] P1 dmapin\nunpin P1\nunpin P1\nexit A\nunpin P1',
    't.cow:7: invalid pin: P1 has been dropped',
  ],
  ['pin A buf P1 iouring\nexec A\ndevwrite P1[0]', 't.cow:5: invalid pin: P1 has been dropped'],
  ['toString A', /^t\.cow:3: unknown operation: toString; available: spawn, mmap, /],
  [
    'mmap A b 8 toString',
    't.cow:3: unknown area kind: toString; available: thp, shared, file, shmem, shmemthp',
  ],
])('a mistake is found: %s', (lines, says) => {
  if (typeof says === 'string') expect(mistake(START + lines)).toBe(says)
  else expect(mistake(START + lines)).toMatch(says)
})

test.each([
  ['expect ok', 't.cow:1: missing operation: expect comes after one'],
  ['spawn A\nexpect', 't.cow:2: missing outcome; expected: expect[NAMES] OUTCOME [FLAGS]'],
  [
    `${START}write A buf[0]\nexpect cpoy`,
    't.cow:4: unknown outcome of write: cpoy; did you mean copy? available: nofault, reuse, copy, thp_nofault, thp_reuse, thp_copy_order0, thp_copy_huge, zeropage_to_anon, zeropage_to_thp, ksm_copy, swapin_w, zerofill, thp_fill, segv',
  ],
  [
    `${START}write A buf[0]\nexpect 1=copy`,
    't.cow:4: invalid outcome of write: 1=copy; page 1 is not touched',
  ],
  [`${START}write A buf[0]\nexpect 0=copy,`, 't.cow:4: invalid outcome: 0=copy,'],
  [
    `${START}read A buf[0]\nexpect reuse`,
    't.cow:4: unknown outcome of read: reuse; available: nofault, zeropage, hugezeropage, swapin, pagecache, provided, segv',
  ],
  [
    `${START}read A buf[0]\nexpect nofault lek`,
    't.cow:4: unknown flag: lek; did you mean leak? available: leak, mismatch, clean',
  ],
  [
    `${START}write A buf[0]\nexpect copy leak`,
    't.cow:4: unsupported flags: leak; only a read has flags',
  ],
  [
    `${START}show A buf[0]\nexpect present`,
    't.cow:4: invalid outcome of show: present; expected nN:presentN:swappedN',
  ],
  [
    `${START}fork A B\nexpect[a,] ok`,
    't.cow:4: invalid expect: expect[a,] ok; expected: expect[a,b] OUTCOME',
  ],
])('a mistaken expectation is found: %s', (text, says) => {
  expect(mistake(text)).toBe(says)
})
