/** search: random tests, on the running kernel and in a model. */
import type { LitmusTest } from '../../litmus/program.ts'
import type { OperationResult } from '../../litmus/result.ts'
import type { LiveDriver } from '../../live/driver.ts'
import type { Facilities } from '../../live/facilities.ts'
import { formatFound, randomOptions, search } from '../../live/search.ts'
import { eraOf, litmusMachine } from '../../run.ts'
import { patiently } from '../own-files/patiently.ts'
import { counted, print, say } from '../shell/streams.ts'
import { modelOf } from './chosen-model.ts'

export interface SearchRequest {
  readonly against: string | undefined
  readonly seed: number
  /** For a test under a policy of one's own. */
  readonly seconds: number
  readonly json: boolean
}

/** Returns the exit code: 4 if a test differs. */
export async function searchFor(
  tests: number,
  driver: LiveDriver,
  machine: Facilities,
  { against, seed, seconds, json }: SearchRequest,
): Promise<number> {
  const { name, policy, own, settings } = await modelOf(against, machine)
  // A kernel may be configured for what the model's is not.
  const era = eraOf(settings.policy, settings.era)
  const common = {
    ...machine,
    softDirty: machine.softDirty && era.softDirty,
    uffdWp: machine.uffdWp && era.uffdWp,
  }
  const options = { tests, seed, model: name, machine: common, ...randomOptions(common) }
  const subject = {
    ...{ driver, thpAlways: machine.thp === 'always' },
    machine: () => litmusMachine({ ...settings, swapDisk: machine.swap === 'disk' }),
    ...(own && {
      does: (test: LitmusTest, run: () => OperationResult[]) =>
        patiently(policy, seconds, `${test.operations.map(({ text }) => text).join('; ')}`, run),
    }),
  }
  const result = await search(subject, options, (found) => {
    const cow = formatFound(found, options)
    print(json ? JSON.stringify({ ...found.difference, index: found.index, seed, cow }) : cow)
  })
  const { agreements, differing, unstable, kinds } = result
  say(
    `kernel ${machine.kernel}, model ${name}: ${counted(result.tests, 'random test')}, natural and ` +
      `drained: ${agreements} operations agree; differences: ${differing}, of ` +
      `${counted(kinds.length, 'kind')}; ${unstable} unstable`,
  )
  return differing > 0 ? 4 : 0
}
