/** latest: the last run of the benchmark that is recorded in the repository. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/load/package.ts'
import type { Latest } from './report.ts'

/** Undefined if there is none. */
export function latestRun(): Latest | undefined {
  const path = join(packageRoot(), 'results', 'bench', 'latest.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Latest) : undefined
}
