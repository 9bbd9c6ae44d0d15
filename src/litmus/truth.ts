/**
 * truth: what a real kernel did on the litmus tests, as recorded in a KERNEL.json, which is read and written here; the
 * README beside the records holds the meaning.
 */
import { objectIn, parseJson, textIn, textsIn } from './json.ts'

/** The end of a test's name where it is about swap on a disk. */
export const DISK_SWAP = '@diskswap'

export type LruState = 'natural' | 'drained'

export interface TruthOperation {
  readonly n: number
  readonly op: string
  readonly outcome: string
  readonly flags: readonly string[]
  /** Other outcomes that are possible, depending on how full a batch was when the test began. */
  readonly unstable: readonly string[] | undefined
  /** With the LRU batches drained before every operation; as `outcome` and `flags` where the record is silent. */
  readonly drained: string
  readonly flagsDrained: readonly string[]
  readonly drainedUnstable: readonly string[]
  /** The recorded tree's own mistake, not compared. */
  readonly artefact: boolean
}

export interface Truth {
  readonly kernel: string
  readonly what: string
  /** Policy that should agree. */
  readonly policy: string
  /** A prototype or a blind measurement: a disagreement is worth reading, but no failure. */
  readonly informative: boolean
  /** Not recorded with drained batches. */
  readonly naturalOnly: boolean
  /** By the test's name, `NAME@diskswap` (DISK_SWAP) for a run on a swap disk. */
  readonly tests: ReadonlyMap<string, readonly TruthOperation[]>
  /** Measured without frame numbers, as its words show: faults are told by the pages that they allocated (`fault_a1`). */
  readonly blind: boolean
  /**
   * Recorded with every mapping made as long as its page tables reach, because the prototype shares only such, and
   * filled with the zero page, which keeps huge folios out. `what` says so: "mappings padded to 2 MiB".
   */
  readonly padded: boolean
}

/** Reads a KERNEL.json. Throws RangeError `invalid truth file: ...` for anything else. */
export function parseTruth(text: string, fileName: string): Truth {
  const fail = (what: string): never => {
    throw new RangeError(`invalid truth file: ${fileName}: ${what}`)
  }
  const whole = objectIn(parseJson(text, fail)) ?? fail('expected an object')
  const tests = objectIn(whole['tests']) ?? fail('missing tests')
  const truth = {
    kernel: textIn(whole['kernel']) ?? fail('missing kernel'),
    what: textIn(whole['what']) ?? '',
    policy: textIn(whole['policy']) ?? fail('missing policy'),
    informative: whole['informative'] === true,
    naturalOnly: whole['natural_only'] === true,
    tests: new Map(
      Object.entries(tests).map(([name, operations]) => [
        name,
        (Array.isArray(operations) ? operations : fail(`test ${name} is no list`)).map(
          (operation: unknown, i) =>
            truthOperation(operation) ?? fail(`operation ${i + 1} of test ${name}`),
        ),
      ]),
    ),
  }
  const blind = [...truth.tests.values()].flat().some(({ outcome }) => outcome.includes('fault_a'))
  return { ...truth, blind, padded: truth.what.includes('mappings padded to 2 MiB') }
}

function truthOperation(value: unknown): TruthOperation | undefined {
  const record = objectIn(value)
  const op = textIn(record?.['op'])
  const outcome = textIn(record?.['outcome'])
  const n = record?.['n']
  if (record === undefined || op === undefined || outcome === undefined) return undefined
  if (typeof n !== 'number') return undefined
  const flags = textsIn(record['flags']) ?? []
  return {
    n,
    op,
    outcome,
    flags,
    unstable: textsIn(record['unstable']),
    drained: textIn(record['drained']) ?? outcome,
    flagsDrained: textsIn(record['flags_drained']) ?? flags,
    drainedUnstable: textsIn(record['drained_unstable']) ?? [],
    artefact: record['artefact'] === true,
  }
}

/**
 * The text of a KERNEL.json: one line per operation, silent about what is as usual. `config` is what the kernel was built
 * with and told, for who reads the file: parseTruth() leaves it out.
 */
export function formatTruth(truth: Truth, config: Readonly<Record<string, string>>): string {
  const head = {
    kernel: truth.kernel,
    what: truth.what,
    policy: truth.policy,
    informative: truth.informative,
    natural_only: truth.naturalOnly,
    config,
  }
  const tests = [...truth.tests].map(([name, operations]) => {
    const lines = operations.map((operation) => `  ${JSON.stringify(sparse(operation))}`)
    return `${JSON.stringify(name)}: [\n${lines.join(',\n')}\n]`
  })
  const fields = Object.entries(head).map(([key, value]) => `"${key}": ${JSON.stringify(value)}`)
  return `{\n${fields.join(',\n')},\n"tests": {\n${tests.join(',\n')}\n}\n}\n`
}

function sparse(operation: TruthOperation): Record<string, unknown> {
  const { n, op, outcome, flags, unstable } = operation
  const { drained, flagsDrained, drainedUnstable, artefact } = operation
  return {
    ...{ n, op, outcome },
    ...(flags.length > 0 ? { flags } : {}),
    ...(unstable === undefined ? {} : { unstable }),
    ...(drained === outcome ? {} : { drained }),
    ...(flagsDrained.join() === flags.join() ? {} : { flags_drained: flagsDrained }),
    ...(drainedUnstable.length === 0 ? {} : { drained_unstable: drainedUnstable }),
    ...(artefact ? { artefact } : {}),
  }
}
