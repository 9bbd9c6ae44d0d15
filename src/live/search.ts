/**
 * search: random tests on the running kernel and in the model; this file keeps, of every kind of difference, the first
 * test that shows it, cut down as far as it goes. Those that follow have the same operations: none of them has fewer.
 */
import { parseLitmus } from '../litmus/parse.ts'
import type { RandomOptions } from './author.ts'
import { type Difference, differ, type Subject } from './differ.ts'
import { type Facilities, isSince } from './facilities.ts'
import { randomTest } from './random.ts'
import { reasonToSkip } from './reason-to-skip.ts'
import { shrink } from './shrink.ts'

export interface SearchOptions extends RandomOptions {
  readonly tests: number
  readonly seed: number
  readonly model: string
  readonly machine: Facilities
}

/** What random tests may hold on this machine. */
export function randomOptions({
  kernel,
  swap,
  ksm,
  uffdWp,
  softDirty,
  thp,
  mthp,
  device,
}: Facilities): RandomOptions {
  return {
    swap,
    device,
    ksm,
    uffdWp,
    softDirty,
    movesAreas: isSince(kernel, 6, 17),
    thp: thp !== '' && thp !== 'never' && mthp.length === 0,
  }
}

export interface Found {
  /** Number of the random test that showed it first. */
  readonly index: number
  readonly lines: readonly string[]
  readonly difference: Difference
}

export interface SearchResult {
  /** Tests that this machine could run. */
  readonly tests: number
  /** Operations on which both agree, over both LRU states. */
  readonly agreements: number
  /** Tests with a difference, of whatever kind. */
  readonly differing: number
  /** Runs that differed once and agreed when repeated. */
  readonly unstable: number
  readonly kinds: readonly Found[]
}

/** Calls `onFound` for each new kind of difference, as soon as it is shrunk. */
export async function search(
  subject: Subject,
  options: SearchOptions,
  onFound: (found: Found) => void,
): Promise<SearchResult> {
  const kinds = new Map<string, Found>()
  let [tests, agreements, differing, unstable] = [0, 0, 0, 0]
  for (let index = 0; index < options.tests; index++) {
    const lines = randomTest(options.seed, index, options)
    const name = `random-${options.seed}-${index}`
    const test = parseLitmus(lines.join('\n'), name)
    if (reasonToSkip(test, options.machine) !== undefined) continue
    tests++
    for (const drained of [false, true]) {
      const verdict = await differ(test, subject, drained)
      agreements += verdict.agreements
      if (verdict.unstable) unstable++
      if (verdict.difference === undefined) continue
      differing++
      const found = await shortest(lines, name, index, subject, verdict.difference)
      const kind = kindOf(found)
      if (!kinds.has(kind)) {
        kinds.set(kind, found)
        onFound(found)
      }
      // Drained, it would mostly be the same again.
      break
    }
  }
  return { tests, agreements, differing, unstable, kinds: [...kinds.values()] }
}

async function shortest(
  lines: readonly string[],
  name: string,
  index: number,
  subject: Subject,
  first: Difference,
): Promise<Found> {
  const drained = first.state === 'drained'
  let difference = first
  const short = await shrink(lines, name, async (test) => {
    const verdict = await differ(test, subject, drained)
    const is = verdict.difference
    if (is?.live.operation.verb !== first.live.operation.verb) return false
    difference = is
    return true
  })
  return { index, lines: short, difference }
}

/** Two tests of one kind have the same verbs in the same order, and part in the same words. */
function kindOf({ lines, difference: { live, model } }: Found): string {
  const verbs = lines.map((line) => line.split(' ')[0])
  return [...verbs, wordsOf(live.outcome), ...live.flags, wordsOf(model.outcome)].join(' ')
}

function wordsOf(outcome: string): string {
  const words = outcome.split(',').map((run) => run.replace(/^[0-9.]+=/, ''))
  return [...new Set(words)].sort().join()
}

/** The test as a .cow file that expects what the running kernel did, and says what the model did. */
export function formatFound(
  { index, lines, difference: { state, live, model } }: Found,
  { seed, model: name, machine }: SearchOptions,
): string {
  const said = (outcome: string, flags: readonly string[]) => [outcome, ...flags].join(' ')
  return [
    `# Linux ${machine.kernel} and ${name} part here (${state}; random test ${index} of seed ${seed}).`,
    ...lines.slice(0, live.n),
    `# ${name}: ${said(model.outcome, model.flags)}`,
    `expect ${said(live.outcome, live.flags)}`,
    ...lines.slice(live.n),
    '',
  ].join('\n')
}
