/** agreement: how far the model agrees with each recorded kernel, as the table of the README. */
import type { Comparison } from './compare.ts'

export interface Agreement {
  readonly kernel: string
  /** The policy, and those of its parameters that the kernel fixes. */
  readonly model: string
  readonly informative: boolean
  readonly natural: Comparison
  readonly drained: Comparison
}

/** Markdown: one line for each kernel, those that are targets first, in the order given. */
export function agreementTable(rows: readonly Agreement[]): string {
  const targets = rows.filter(({ informative }) => !informative)
  const prototypes = rows.filter(({ informative }) => informative)
  const total = targets.reduce((sum, row) => sum + compared(row), 0)
  const agreed = targets.reduce((sum, row) => sum + agreements(row), 0)
  return [
    '| kernel | modelled by | compared: natural + drained | agree |',
    '|---|---|---|---|',
    ...[...targets, ...prototypes].map(line),
    `| all but prototypes (*) | | ${total} | ${percent(agreed, total)} |`,
  ].join('\n')
}

function line(row: Agreement): string {
  const { kernel, model, informative, natural, drained } = row
  const parts = [operations(natural), operations(drained)]
  const count = parts[1] === 0 ? `${parts[0]}` : parts.join(' + ')
  const share = `${agreements(row)} (${percent(agreements(row), compared(row))})`
  return `| ${kernel}${informative ? ' (*)' : ''} | ${model} | ${count} | ${share} |`
}

function operations({ agreements: agreed, disagreements }: Comparison): number {
  return agreed + disagreements.length
}

function compared({ natural, drained }: Agreement): number {
  return operations(natural) + operations(drained)
}

function agreements({ natural, drained }: Agreement): number {
  return natural.agreements + drained.agreements
}

/** Rounded down, so that 100% means all. */
function percent(part: number, whole: number): string {
  const tenths = Math.floor((1000 * part) / whole)
  return `${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)}%`
}
