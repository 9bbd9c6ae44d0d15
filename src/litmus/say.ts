/** say: what an operation of a litmus test showed, as a sentence about processes, buffers and stores. */
import { PIN_DMAPIN, PIN_IOURING, PIN_ODIRECT, PIN_ROPIN, PIN_VMSPLICE } from '../trace/ops.ts'
import type { Expectation, LitmusTest, Operation } from './program.ts'
import type { OperationResult } from './result.ts'
import { type PageOutcome, parseRuns } from './words.ts'

/** By PIN_*: what holds the reference. */
const HOLDERS: Readonly<Record<number, string>> = {
  [PIN_VMSPLICE]: 'the pipe held by',
  [PIN_IOURING]: 'the io_uring buffer registered by',
  [PIN_ODIRECT]: 'the O_DIRECT buffer of',
  [PIN_DMAPIN]: 'the DMA buffer pinned by',
  [PIN_ROPIN]: 'the read-only DMA buffer pinned by',
}

const STORE: Readonly<Record<string, string>> = {
  nofault: 'took no fault',
  reuse: 'took a fault and kept the page',
  copy: 'was given a copy in another frame',
  thp_nofault: 'took no fault in its huge folio',
  thp_reuse: 'took a fault and kept its huge folio',
  thp_copy_order0: 'was given a 4 KiB copy out of its huge folio',
  thp_copy_huge: 'was given a 2 MiB copy of its huge folio',
  zeropage_to_anon: 'replaced the zero page by a page of its own',
  zeropage_to_thp: 'replaced the huge zero page by a huge folio',
  ksm_copy: 'was given a copy of the merged page',
  swapin_w: 'brought the page back from swap',
  zerofill: 'filled a hole by one page',
  thp_fill: 'filled a hole by a huge folio',
  segv: 'was not permitted',
  waits: 'has to wait for a lock',
  inplace: 'kept the page',
  fill: 'filled a hole',
  error: 'was refused',
}

const LOAD: Readonly<Record<string, string>> = {
  nofault: 'found the page mapped',
  zeropage: 'mapped the zero page',
  hugezeropage: 'mapped the huge zero page',
  swapin: 'brought the page back from swap',
  pagecache: 'mapped a page of the page cache',
  waits: 'has to wait for a lock',
  provided: 'was given a page by the manager of userfaultfd',
  segv: 'was not permitted',
}

/** Why `result` does not meet `expectation`: `FILE:LINE: OPERATION: expected X, got Y: what was observed`. */
export function sayFailure(
  test: LitmusTest,
  { outcome, flags }: Expectation,
  result: OperationResult,
): string {
  const { operation, policy } = result
  const expected = [outcome, ...(flags ?? [])].join(' ')
  const got = [result.outcome, ...result.flags].join(' ')
  return `${test.file}:${operation.line}: ${operation.text}: expected ${expected}, got ${got} under ${policy}: ${say(test, result)}`
}

/** The observation alone, one clause for each run of pages that showed the same. */
export function say(test: LitmusTest, result: OperationResult): string {
  const { operation, outcome } = result
  const who = test.processes[operation.mm] ?? ''
  if (outcome === 'waits') return sayWaits(test, who, operation)
  switch (operation.verb) {
    case 'write':
    case 'writesame':
      return byRun(operation, outcome, (word, pages) => `${who}'s store to ${pages} ${STORE[word]}`)
    case 'step':
      return sayStep(who, operation, outcome)
    case 'poke':
      return `the forced store to ${who}'s ${operation.area}[${operation.first}] ${STORE[outcome]}`
    case 'read':
      return [
        ...result.flags.map((flag) => sayFlag(test, operation, flag)),
        byRun(operation, outcome, (word, pages) => `${who}'s load of ${pages} ${LOAD[word]}`),
      ].join('; ')
    case 'devread':
      return sayDevread(test, operation, outcome)
    case 'pin':
      return sayPin(test, operation, outcome)
    case 'swapout':
    case 'writeback':
    case 'show': {
      const [pages, present, swapped] = outcome.split(':').map((count) => count.replace(/\D/g, ''))
      return `of ${pages} pages ${present} are present and ${swapped} in swap`
    }
    case 'events': {
      const [missing, minor, wp] = outcome.split(':').map((count) => count.replace(/\D/g, ''))
      return `the manager was asked for ${missing} missing and ${minor} minor faults, and for ${wp} stores`
    }
    default:
      return outcome === 'ok' ? 'it was done' : 'it was refused'
  }
}

function sayWaits(test: LitmusTest, who: string, { verb, pin }: Operation): string {
  switch (verb) {
    case 'step':
      return 'it has to wait for a lock'
    case 'unpin':
    case 'devread':
    case 'devwrite':
      return `${who}'s pin ${test.pins[pin]?.name} is still being taken`
    default:
      return `${who} has to wait for a lock`
  }
}

function sayStep(who: string, operation: Operation, outcome: string): string {
  if (outcome === 'over') return 'it was over before'
  if (outcome === 'ok' || outcome === 'moved') return 'it came to its end'
  if (outcome === 'error') return 'it was refused'
  if (!outcome.includes('=')) return `it got as far as ${outcome}`
  return byRun(operation, outcome, (word, pages) => `${who}'s store to ${pages} ${STORE[word]}`)
}

function sayFlag(test: LitmusTest, operation: Operation, flag: string): string {
  const who = test.processes[operation.mm] ?? ''
  const pages = pagesText(operation, operation.first, operation.first + operation.pages - 1)
  if (flag !== 'leak') return `${who}'s load of ${pages} does not return the last store`
  const range = { vpn: operation.vpn, pages: operation.pages, mm: operation.mm }
  return `${who}'s load of ${pages} shows ${sayAuthor(test, operation.n, range)}`
}

function sayDevread(test: LitmusTest, operation: Operation, outcome: string): string {
  const pin = test.pins[operation.pin]
  if (pin === undefined || outcome === 'error') return 'the pin had been refused'
  const owner = test.processes[pin.mm] ?? ''
  const holder = `${HOLDERS[pin.kind]} ${owner}`
  return runsOf(operation, outcome)
    .map(({ from, to, word }) => {
      const range = { vpn: pin.vpn + from, pages: to - from + 1, mm: pin.mm }
      const which = from === to ? `page ${from}` : `pages ${from}..${to}`
      const where = operation.pages > 1 ? ` (its ${which})` : ''
      if (word === 'leak') return `${holder}${where} shows ${sayAuthor(test, operation.n, range)}`
      if (word === 'noleak') return `${holder}${where} shows only bytes that ${owner} may see`
      if (word === 'coherent') return `${holder}${where} shows what ${owner} would load there`
      return `${holder}${where} and the page that ${owner} maps there hold different bytes`
    })
    .join('; ')
}

function sayPin(test: LitmusTest, operation: Operation, outcome: string): string {
  const pin = test.pins[operation.pin]
  const who = test.processes[operation.mm] ?? ''
  if (pin === undefined || outcome === 'error') return `pin ${pin?.name} of ${who} was refused`
  if (outcome === 'moved') return `pin ${pin.name} moved ${who}'s page to another frame`
  return `pin ${pin.name} took ${who}'s page where it was`
}

/** Who else stored there before operation `n`? Whatever `mm` sees of it is a leak, so it was stored after a fork. */
function sayAuthor(
  test: LitmusTest,
  n: number,
  { vpn, pages, mm }: { vpn: number; pages: number; mm: number },
): string {
  const seen = originOf(test, vpn)
  const store = test.operations.findLast((operation) => {
    if (operation.n >= n || operation.mm === mm || !STORES.has(operation.verb)) return false
    const stored = originOf(test, storedAt(test, operation))
    return stored < seen + pages && seen < stored + operation.pages
  })
  const author = store && test.processes[store.mm]
  if (author === undefined) return 'what another process stored after fork'
  return `what ${store?.verb === 'devwrite' ? `a device of ${author}` : author} stored after fork`
}

const STORES = new Set(['write', 'writesame', 'poke', 'devwrite'])

function storedAt(test: LitmusTest, operation: Operation): number {
  const pin = test.pins[operation.pin]
  return pin === undefined ? operation.vpn : pin.vpn + operation.first
}

/** Where the page at `vpn` lay before any mremap: addresses are never used twice. */
function originOf(test: LitmusTest, vpn: number): number {
  const move = test.operations.find(
    ({ verb, value, pages }) => verb === 'mremap' && value <= vpn && vpn < value + pages,
  )
  return move === undefined ? vpn : originOf(test, move.vpn + vpn - move.value)
}

interface Run {
  readonly from: number
  readonly to: number
  readonly word: string
}

function runsOf(operation: Operation, outcome: string): Run[] {
  const pages: PageOutcome[] = outcome.includes('=')
    ? parseRuns(outcome)
    : [{ page: operation.first, outcome }]
  const runs: Run[] = []
  for (const { page, outcome: word } of pages) {
    const last = runs.at(-1)
    if (last?.word === word && last.to === page - 1) runs[runs.length - 1] = { ...last, to: page }
    else runs.push({ from: page, to: page, word })
  }
  return runs
}

function byRun(
  operation: Operation,
  outcome: string,
  clause: (word: string, pages: string) => string,
): string {
  return runsOf(operation, outcome)
    .map(({ from, to, word }) => clause(word, pagesText(operation, from, to)))
    .join('; ')
}

function pagesText({ area }: Operation, from: number, to: number): string {
  return from === to ? `${area}[${from}]` : `${area}[${from}..${to}]`
}
