/** flags: what `compare` can be asked for. */
import type { FlagTable, FlagValues } from '../words/flag-table.ts'

export const COMPARE_FLAGS = {
  policy: { kind: 'texts', value: 'A,B', what: 'compare these policies only' },
  kernel: { kind: 'texts', value: 'A,B', what: 'compare these kernels only' },
  against: {
    kind: 'text',
    value: 'NAME',
    what: 'a policy or kernel of the same run, instead of BASE',
  },
  metric: { kind: 'texts', value: 'A,B', what: 'metrics to compare' },
  'fail-on': {
    kind: 'texts',
    value: 'EXPR',
    what: "fail on a change ('copies:+5%') or a row ('violations>0')",
  },
  json: { kind: 'switch', what: 'as a JSON array' },
} as const satisfies FlagTable

export type CompareFlags = FlagValues<typeof COMPARE_FLAGS>
