/** report: charts, report.html or a table, from the saved rows of a results directory. */
import { unknown } from '../params/closest.ts'
import { counted, print, say } from './shell/streams.ts'
import { addFlags, type Command, type FlagTable, readFlags } from './words/flag-table.ts'
import { parseList } from './words/flags.ts'
import { metricsNamed } from './words/metric-names.ts'
import { UsageError } from './words/usage-error.ts'

const FLAGS = {
  format: {
    kind: 'text',
    value: 'FORMAT',
    what: 'print the table instead: text, markdown or lkml',
  },
  metric: { kind: 'texts', value: 'A,B', what: 'print a table of these metrics' },
  across: {
    kind: 'text',
    value: 'NAME',
    what: 'a table for each metric, by workload or by a swept parameter',
  },
} as const satisfies FlagTable

export const reportCommand: Command = {
  flags: FLAGS,
  command: 'report <dir>',
  describe: 'draw the charts and write report.html from saved rows; nothing is simulated',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('dir', { type: 'string', describe: 'a results directory, as run writes it' })
      .example('$0 report results/quick', 'charts/ and report.html')
      .example('$0 report results/quick --format lkml', 'plain text for a patch letter')
      .example('$0 report results/quick --metric leaks --across workload', 'one number of each'),
  handler: async (argv) => {
    const { format, metric, across } = readFlags(argv, FLAGS)
    const dir = String(argv['dir'])
    const metrics = metricsNamed(parseList('metric', metric ?? []))
    if (across !== undefined && metrics.length === 0) {
      throw new UsageError('missing --metric: --across needs one')
    }
    if (format === undefined && metrics.length === 0) {
      const { writeReport } = await import('../report/report.ts')
      const written = await writeReport(dir)
      for (const path of written) print(path)
      say(counted(written.length, 'file'))
      return
    }
    const { comparisonTable, TABLE_FORMATS } = await import('../report/table.ts')
    const known = TABLE_FORMATS.find((name) => name === (format ?? 'text'))
    if (known === undefined) throw new UsageError(unknown('format', `${format}`, TABLE_FORMATS))
    const { readSomeRows } = await import('../results/rows.ts')
    const rows = readSomeRows(dir)
    if (metrics.length === 0) {
      print(comparisonTable(rows, known))
      return
    }
    const { acrossNames, chosenTables } = await import('../report/chosen-table.ts')
    const possible = acrossNames(rows)
    if (across !== undefined && !possible.includes(across)) {
      throw new UsageError(unknown('parameter', across, possible))
    }
    print(chosenTables(rows, known, { metrics, across }))
  },
}
