/** agreement: writes the README's table of agreement with recorded kernels. Usage: jiti scripts/agreement.ts */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { agreementSection } from './agreement/section.ts'
import { withSection } from './with-section.ts'

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url))
const readme = path('README.md')
const section = agreementSection(path('workloads/litmus'))
writeFileSync(readme, withSection(readFileSync(readme, 'utf8'), 'agreement', section))
