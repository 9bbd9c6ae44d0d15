/**
 * run-sample: starts one measurement in a fresh process and waits for its line of JSON.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SAMPLE = fileURLToPath(new URL('./sample.js', import.meta.url))

/** Room for a trace of 10^9 events, whose segment table alone may be large. */
const NODE_FLAGS = ['--expose-gc', '--max-old-space-size=4096']

/** `name` is one of those in sample.ts, which says what it takes and gives. */
export function runSample<T>(name: string, options: object): T {
  const args = [...NODE_FLAGS, SAMPLE, name, JSON.stringify(options)]
  const output = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(output) as T
}
