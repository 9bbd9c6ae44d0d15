/** explain: tells a litmus test, a trace or a cell of a run event by event. */
import { EXPLAIN_FLAGS } from './explain/flags.ts'
import { addFlags, type Command, readFlags } from './words/flag-table.ts'

export const explainCommand: Command = {
  flags: EXPLAIN_FLAGS,
  command: 'explain [files..]',
  describe:
    'tell a litmus test, a trace or a cell event by event: state, question, answer, verdict',
  builder: (yargs) =>
    addFlags(yargs, EXPLAIN_FLAGS)
      .positional('files', { type: 'string', array: true, describe: 'a .cow file or a trace' })
      .example('$0 explain my.cow --policy mapcount', 'every operation')
      .example('$0 explain my.cow --diff mapcount mm-id', 'the first at which the two part')
      .example('$0 explain --workload checkpoint --policy page-count --only interesting', 'a cell')
      .epilogue(
        'Interesting: a verdict that clairvoyant would not give, a breach that is observed, an error.',
      ),
  handler: async (argv) => {
    const { explainFiles } = await import('./explain/tell.ts')
    const files = ((argv['files'] as unknown[] | undefined) ?? []).map(String)
    await explainFiles(files, readFlags(argv, EXPLAIN_FLAGS))
  },
}
