/**
 * sample: one measurement in a process of its own: `node sample.js NAME OPTIONS-AS-JSON` prints one line of JSON.
 */
import { compileLoopsInTurn } from '../../src/load/v8-settings.ts'
import { measureForks } from './fork-time.ts'
import { measureLitmus } from './litmus-speed.ts'
import { measureMemory } from './memory.ts'
import { measureNaive } from './naive.ts'
import { measurePolicies, measurePolicy } from './policies.ts'
import { measureOraclePairs } from './side-by-side.ts'
import { simulateFile } from './simulate-file.ts'

const SAMPLES: Readonly<Record<string, (options: never) => object | Promise<object>>> = {
  simulate: simulateFile,
  memory: measureMemory,
  fork: measureForks,
  litmus: measureLitmus,
  naive: measureNaive,
  policies: measurePolicies,
  policy: measurePolicy,
  oraclePairs: measureOraclePairs,
}

const [name = '', options = '{}'] = process.argv.slice(2)
const sample = SAMPLES[name]
if (sample === undefined) throw new RangeError(`unknown sample: ${name}`)
// As the threads of a run (src/cli/run/pool.ts).
compileLoopsInTurn()
process.stdout.write(`${JSON.stringify(await sample(JSON.parse(options) as never))}\n`)
