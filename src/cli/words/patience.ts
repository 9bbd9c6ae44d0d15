/** patience: how long a policy or workload of one's own may take, before it is taken for one that never ends. */
import { parseWhole } from './flags.ts'

export const TIMEOUT_FLAG = {
  kind: 'text',
  value: 'SECONDS',
  what: 'an answer of a policy of your own that takes longer has failed [10]',
} as const

const MOST_ANSWER_SECONDS = 86_400
const MOST_CELL_SECONDS = 1_000_000

export function answerSeconds(timeout: string | undefined): number {
  return parseWhole('timeout', timeout ?? '10', 1, MOST_ANSWER_SECONDS)
}

/** For a cell, and for a trace. */
export function cellSeconds(timeout: string | undefined): number {
  return parseWhole('timeout', timeout ?? '600', 1, MOST_CELL_SECONDS)
}
