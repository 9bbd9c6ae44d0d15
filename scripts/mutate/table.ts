/** table: how many mutants of each file were noticed by what, as Markdown; and which, where that was not a litmus test. */
import { gitCommit } from '../../src/load/package.ts'
import { RULES } from './plant.ts'
import { type Judged, NOTICES } from './score.ts'

const COLUMNS = [...NOTICES, 'equivalent', 'missed'] as const

export function tableOf(judged: readonly Judged[]): string {
  const rows = [...Object.keys(RULES), 'all'].map((file) => {
    const own = judged.filter((one) => file === 'all' || one.file === file)
    const counts = COLUMNS.map((by) => own.filter((one) => one.by === by).length)
    const different = own.filter(({ by }) => by !== 'equivalent').length
    const found = different - own.filter(({ by }) => by === 'missed').length
    const score = different === 0 ? '-' : `${Math.floor((100 * found) / different)} %`
    return `| ${[file, own.length, ...counts, score].join(' | ')} |`
  })
  const head = ['rule', 'mutants', ...COLUMNS, 'score']
  return [`| ${head.join(' | ')} |`, `|---|${'---:|'.repeat(head.length - 1)}`, ...rows].join('\n')
}

export function reportOf(judged: readonly Judged[]): string {
  const rest = COLUMNS.slice(2).flatMap((by) =>
    judged
      .filter((one) => one.by === by)
      .map(
        ({ file, mutant, where }) =>
          `- ${by}: ${file}.ts:${mutant.line}: \`${mutant.before}\`, mutated: \`${mutant.after}\`. ${where}`,
      ),
  )
  return `# Mutation score

Every copy of a rule in which one token decides otherwise (scripts/mutate/mutants.ts), in each policy that is made of
it, with the parameters and era of each recorded kernel. Counted is what noticed it first, in the order of the columns:

- \`record\`: it is not what a real kernel did on a litmus test
- \`rule\`: it is not what a litmus test without a record expects, what is written down of a known failure, or (tests of
  \`more/\`) what the original shows, and with it the reference model
- \`finding\`: \`check --against\` has a sequence that the two answer differently, and one of them has broken a promise
  in it already, or has copied what nobody else could reach
- \`against\`: it has one in which neither has yet
- \`noise\`: random traces on a machine where others hold pages, locks and references for a moment count otherwise

Run on ${new Date().toISOString().slice(0, 10)} at commit ${gitCommit().slice(0, 7)} with \`npm run soak\` (scripts/mutate/mutation.soak.ts).

${tableOf(judged)}

What no litmus test noticed:

${rest.join('\n')}
`
}
