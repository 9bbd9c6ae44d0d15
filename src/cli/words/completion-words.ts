/** completion-words: all words that completion may offer, from the commands and from the lists of what exists. */
import { POLICIES } from '../../../policies/index.ts'
import { WORKLOADS } from '../../../workloads/index.ts'
import { COST_PROFILES } from '../../metrics/cost.ts'
import { METRICS } from '../../metrics/schema.ts'
import { TABLE_FORMATS } from '../../report/table.ts'
import { KERNELS } from '../../sim/kernels.ts'
import { allCommands } from '../commands.ts'
import type { CompletionWords } from '../completion.ts'
import { COMMON_FLAGS } from './refusal.ts'
import { SWAPS } from './swap-device.ts'

export async function completionWords(): Promise<CompletionWords> {
  const policies = namesOf(POLICIES)
  const commands = [...(await allCommands())].map(([name, { flags, subcommands = [] }]) => {
    const words = [...Object.keys(flags), ...COMMON_FLAGS].map((flag) => `--${flag}`)
    return [name, { flags: words, subcommands }] as const
  })
  return {
    commands: Object.fromEntries(commands),
    values: {
      '--policy': policies,
      '--against': policies,
      '--workload': namesOf(WORKLOADS),
      '--kernel': namesOf(KERNELS),
      '--metric': METRICS.map(({ id }) => id),
      '--cost': Object.keys(COST_PROFILES),
      '--oracle': ['epoch', 'eager'],
      '--swap': SWAPS,
      '--format': TABLE_FORMATS,
    },
  }
}

function namesOf(things: readonly { readonly name: string }[]): string[] {
  return things.map(({ name }) => name)
}
