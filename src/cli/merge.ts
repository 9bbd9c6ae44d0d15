/** merge: joins the shards of one plan into one results directory. */
import { join } from 'node:path'
import { counted, say } from './shell/streams.ts'
import { addFlags, type Command, type FlagTable, readFlags } from './words/flag-table.ts'
import { parseName } from './words/flags.ts'

const FLAGS = {
  name: { kind: 'text', value: 'NAME', what: 'folder of the results [made of the plan]' },
  out: { kind: 'text', value: 'DIR', what: 'where that folder is [results]' },
} as const satisfies FlagTable

export const mergeCommand: Command = {
  flags: FLAGS,
  command: 'merge <dirs..>',
  describe: 'join shards; joining them again changes nothing',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('dirs', { type: 'string', array: true, describe: 'results of run --shard' })
      .example('$0 merge results/*of4 --name all', 'four shards into results/all'),
  handler: async (argv) => {
    const { name, out = 'results' } = readFlags(argv, FLAGS)
    const dirs = (argv['dirs'] as unknown[]).map(String)
    const { readManifest } = await import('../results/manifest.ts')
    const { mergeResults } = await import('../results/merge.ts')
    const [first = ''] = dirs
    const target = join(out, name === undefined ? readManifest(first).name : parseName(name))
    const { rows, missing } = mergeResults(dirs, target)
    const left = missing === 0 ? '' : `; ${counted(missing, 'cell')} still missing`
    say(`${counted(rows.length, 'row')} in ${join(target, 'rows.csv')}${left}`)
  },
}
