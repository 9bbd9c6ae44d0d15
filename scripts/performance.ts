/**
 * performance: writes what the benchmark measured last into docs/performance.md. Usage: jiti scripts/performance.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { latestRun } from './bench/latest.ts'
import { measuredSection } from './bench/measured.ts'
import { withSection } from './with-section.ts'

const document = fileURLToPath(new URL('../docs/performance.md', import.meta.url))
const section = measuredSection(latestRun())
writeFileSync(document, withSection(readFileSync(document, 'utf8'), 'measured', section))
