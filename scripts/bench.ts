/**
 * bench: measures the simulator's own speed and memory. `npm run bench`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureFloor } from './bench/floor.ts'
import { TraceFiles } from './bench/traces.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    policy: { type: 'string', default: 'mm-id' },
  },
})

const dir = mkdtempSync(join(tmpdir(), 'cowbench-bench-'))
try {
  measureFloor(new TraceFiles(dir), values.policy, values.quick ? 1 : 5)
} finally {
  rmSync(dir, { recursive: true, force: true })
}
