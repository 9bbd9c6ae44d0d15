/** flags: what `explain` can be asked for. */
import type { FlagTable, FlagValues } from '../words/flag-table.ts'
import { TIMEOUT_FLAG } from '../words/patience.ts'
import { SWAP_FLAG } from '../words/swap-device.ts'

export const EXPLAIN_FLAGS = {
  policy: { kind: 'texts', value: 'P', what: 'the policy: NAME, FILE or NAME:PARAM=VALUE' },
  kernel: { kind: 'texts', value: 'K', what: 'the policy as this kernel had it' },
  diff: { kind: 'texts', value: 'A,B', what: 'two policies or kernels: where they part first' },
  event: { kind: 'text', value: 'N', what: 'this event (of a test: operation) alone' },
  page: {
    kind: 'text',
    value: 'PAGE',
    what: "events of this page: 'buf[0]', 'A:buf[0]', 17, 3:17",
  },
  only: {
    kind: 'text',
    value: 'WHICH',
    what: 'all, asked or interesting [all; of a trace: asked]',
  },
  limit: { kind: 'text', value: 'N', what: 'tell at most so many events [of a trace: 20]' },
  workload: { kind: 'text', value: 'W', what: 'a cell of this workload, by name or file' },
  trace: { kind: 'text', value: 'FILE', what: 'a cell of this recorded trace' },
  param: { kind: 'texts', value: 'NAME=VALUE', what: 'set a parameter' },
  seed: { kind: 'text', value: 'S', what: 'seed of the workload [1]' },
  drained: { kind: 'switch', what: 'of a test: drain the LRU batches before every operation' },
  swap: { ...SWAP_FLAG, what: 'of a test: which swap device [zram]' },
  timeout: {
    ...TIMEOUT_FLAG,
    what: `${TIMEOUT_FLAG.what}; the trace of a workload of your own [600]`,
  },
  json: { kind: 'switch', what: 'one line of JSON for each event; of --diff, one document' },
} as const satisfies FlagTable

export type ExplainFlags = FlagValues<typeof EXPLAIN_FLAGS>
