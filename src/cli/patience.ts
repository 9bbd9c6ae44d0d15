/** patience: how long a policy of one's own may take to answer, before it is taken for one that never will. */
import { parseWhole } from './flags.ts'

export const TIMEOUT_FLAG = {
  kind: 'text',
  value: 'SECONDS',
  what: 'an answer of a policy of your own that takes longer has failed [10]',
} as const

const MOST_SECONDS = 86_400

export function answerSeconds(timeout: string | undefined): number {
  return parseWhole('timeout', timeout ?? '10', 1, MOST_SECONDS)
}
