/** measured: latest.json as a section of a document: the machine, the table, the counts that were compared. */
import { type Latest, markdownTable } from './report.ts'

/** `latest` is undefined where no run is recorded. */
export function measuredSection(latest: Latest | undefined): string {
  if (latest === undefined) return 'No run of the benchmark is recorded yet.'
  const { machine, rounds, waiting, agreements, disagreements, ratios } = latest
  const { cpu, cores, kernel, thp, node } = machine
  const waited = Math.round(100 * waiting)
  const counts = (title: string, lines: readonly string[]): string[] =>
    lines.length > 0 ? ['', `${title}:`, '', ...lines.map((line) => `- ${line}`)] : []
  return [
    `${rounds} rounds on ${cpu}, ${cores} cores, Linux ${kernel} (THP: ${thp}), Node.js ${node}; ${waited} % of the`,
    'time went by in the run queue.',
    '',
    markdownTable(ratios).trimEnd(),
    ...counts('Counted alike', agreements),
    ...counts('Counted differently', disagreements),
  ].join('\n')
}
