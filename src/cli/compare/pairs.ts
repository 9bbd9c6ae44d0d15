/** pairs: which rows are compared with which: those of two runs, or of two policies of one. */
import { type Pairing, pairPolicies, pairRuns } from '../../metrics/paired.ts'
import { paramsOf, type Row } from '../../metrics/row.ts'
import { unknown } from '../../params/closest.ts'
import { parseVariant } from '../words/flags.ts'
import { UsageError } from '../words/usage-error.ts'
import { POLICIES, RUNS, type Side, whyNoPartner } from './partners.ts'

export interface Paired {
  readonly pairing: Pairing
  /** What conditions on rows are about. */
  readonly judged: readonly Row[]
  /** Why there is no pair at all. */
  readonly alone: string | undefined
}

export function pairingOf(
  base: Side,
  other: Side | undefined,
  chosen: readonly string[],
  against: string | undefined,
): Paired {
  const only = ({ rows }: Side): readonly Row[] =>
    chosen.length === 0 ? rows : chosen.flatMap((name) => rowsOf(name, rows))
  if (other !== undefined) {
    if (against !== undefined) throw new UsageError('invalid --against: two directories are given')
    const [compared, judged] = [
      { ...base, rows: only(base) },
      { ...other, rows: only(other) },
    ]
    return paired(pairRuns(compared.rows, judged.rows), compared, judged, RUNS)
  }
  if (against === undefined || chosen.length === 0) {
    throw new UsageError(
      'missing directory: expected BASE NEW, or DIR --policy NAME --against NAME',
    )
  }
  const compared = { name: against, rows: rowsOf(against, base.rows) }
  const judged = { name: chosen.join(), rows: only(base) }
  return paired(pairPolicies(compared.rows, judged.rows), compared, judged, POLICIES)
}

function paired(pairing: Pairing, base: Side, next: Side, facets: typeof RUNS): Paired {
  const alone = pairing.groups.length > 0 ? undefined : whyNoPartner(base, next, facets)
  return { pairing, judged: next.rows, alone }
}

/** The rows of a policy, or of a kernel that a policy stood for, with the parameters that were named with it. */
function rowsOf(text: string, rows: readonly Row[]): Row[] {
  const { name, params } = parseVariant(text)
  const namesOf = (row: Row): string[] => [row.policy, paramsOf(row).get('kernel') ?? row.policy]
  let found = rows.filter((row) => namesOf(row).includes(name))
  if (found.length === 0) {
    throw new UsageError(unknown('policy', name, [...new Set(rows.flatMap(namesOf))]))
  }
  for (const [param, value] of params) {
    const values = [...new Set(found.flatMap((row) => paramsOf(row).get(param) ?? []))]
    if (values.length === 0) {
      const known = [...new Set(found.flatMap((row) => [...paramsOf(row).keys()]))]
      throw new UsageError(unknown(`parameter of ${name}`, param, known.sort()))
    }
    if (!values.includes(value)) {
      throw new UsageError(`invalid ${param}: ${value}; expected ${values.join(' or ')}`)
    }
    found = found.filter((row) => paramsOf(row).get(param) === value)
  }
  return found
}
