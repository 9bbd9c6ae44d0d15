/** score: what notices each mutant first, of what there is to notice it, from real kernels' records to chance. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/load/package.ts'
import { loadPolicy } from '../../src/load/policies.ts'
import type { PolicyDefinition } from '../../src/policy/api.ts'
import type { Checker } from './check.ts'
import { unlikeRecords, unlikeRules } from './litmus.ts'
import { type Mutant, mutantsOf } from './mutants.ts'
import { unlikeUnderNoise } from './noise.ts'
import { type Nursery, RULES, sourceOf } from './plant.ts'

/**
 * `record` is a real kernel's, `rule` what a litmus test expects. `finding` and `against` are what check --against finds:
 * a story in which one of the two is wrong already, or one in which neither is yet.
 */
export const NOTICES = ['record', 'rule', 'finding', 'against', 'noise'] as const
export type Notice = (typeof NOTICES)[number]

export interface Judged {
  readonly file: string
  readonly mutant: Mutant
  readonly by: Notice | 'equivalent' | 'missed'
  /** Where it was noticed, or why nothing can notice it. */
  readonly where: string
}

interface Equivalent {
  readonly file: string
  readonly within: string
  readonly before: string
  readonly after: string
  readonly why: string
}

export function readEquivalents(): Equivalent[] {
  return JSON.parse(
    readFileSync(join(packageRoot(), 'scripts/mutate/equivalents.json'), 'utf8'),
  ) as Equivalent[]
}

/** Of all mutants, every `parts`-th from the `part`-th (from 1) on. Throws if the list of equivalents is wrong. */
export function allMutants(part: number, parts: number): { file: string; mutant: Mutant }[] {
  const all = Object.keys(RULES).flatMap((file) =>
    mutantsOf(sourceOf(file)).map((mutant) => ({ file, mutant })),
  )
  const stale = readEquivalents().filter(
    (known) => !all.some(({ file, mutant }) => isOf(known, file, mutant)),
  )
  const [first] = stale
  if (first) throw new Error(`unknown mutant: ${first.file}.ts: ${first.after}`)
  return all.filter((_, i) => i % parts === part - 1)
}

/** The cheapest first, in each policy that is made of the file. */
export async function judge(
  file: string,
  mutant: Mutant,
  nursery: Nursery,
  checker: Checker,
  equivalents = readEquivalents(),
): Promise<Judged> {
  const pathOf = nursery.plant(file, mutant.text)
  for (const look of [unlikeRecords, unlikeRules, checker, unlikeUnderNoise]) {
    for (const policy of RULES[file] ?? []) {
      const notice = await noticed(look, policy, pathOf(policy))
      if (notice === undefined) continue
      const known = equivalents.find((one) => isOf(one, file, mutant))
      if (known) throw new Error(`no equivalent: ${file}.ts: ${mutant.after}: ${notice.where}`)
      return { file, mutant, by: notice.by, where: `${policy}: ${notice.where}` }
    }
  }
  const known = equivalents.find((one) => isOf(one, file, mutant))
  return { file, mutant, by: known ? 'equivalent' : 'missed', where: known?.why ?? '' }
}

type Look = ((original: string, mutant: PolicyDefinition) => string) | Checker

const BY = new Map<Look, Notice>([
  [unlikeRecords, 'record'],
  [unlikeRules, 'rule'],
  [unlikeUnderNoise, 'noise'],
])

async function noticed(
  look: Look,
  policy: string,
  path: string,
): Promise<{ by: Notice; where: string } | undefined> {
  if (typeof look !== 'function') {
    const found = await look.difference(policy, path)
    return found && { by: found.wrong ? 'finding' : 'against', where: found.where }
  }
  const where = look(policy, (await loadPolicy(path)).definition)
  return where === '' ? undefined : { by: BY.get(look) ?? 'record', where }
}

function isOf(known: Equivalent, file: string, { within, before, after }: Mutant): boolean {
  const isHere = known.file === file && known.within === within
  return isHere && known.before === before && known.after === after
}
