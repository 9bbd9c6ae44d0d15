/** init: writes a policy or workload file to start from. */
import { addFlags, type Command, type FlagTable } from './words/flag-table.ts'

const FLAGS = {} as const satisfies FlagTable

const KINDS = ['policy', 'workload']

export const initCommand: Command = {
  flags: FLAGS,
  subcommands: KINDS,
  command: 'init <kind> <name>',
  describe: 'write a commented policy or workload file to start from',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('kind', { type: 'string', describe: KINDS.join(' or ') })
      .positional('name', {
        type: 'string',
        describe: 'its name; with .js or .mjs for plain JavaScript',
      })
      .example('$0 init policy my-rule', 'writes my-rule.ts, which runs as it is')
      .example('$0 init workload my-load.mjs', 'the same without TypeScript'),
  handler: async (argv) => {
    const { writeStartingFile } = await import('./init/starting-file.ts')
    writeStartingFile(String(argv['kind']), String(argv['name']))
  },
}
