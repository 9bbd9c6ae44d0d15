/** checked-policy.test: a file's policy is asked what it would be asked if it came with the program. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { isPinnedOnly } from '../policy/pinned-only.ts'
import { loadPolicy } from './policies.ts'

const home = mkdtempSync(join(tmpdir(), 'cowbench checked '))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const path = join(home, 'own.ts')

test.each([
  ['its own, marked', 'pinnedOnly(mine), ({ wpReuse: () => 0, forkCopies: mine })', true],
  ['its own, not marked', '({ wpReuse: () => 0, forkCopies: mine })', false],
  ['that of a policy which marks it', `hooksOf('anon-exclusive')`, true],
  ['that of a policy which does not', `hooksOf('page-count')`, false],
])('fork asks a file about pinned pages only where it says so: %s', async (_, hooks, only) => {
  writeFileSync(
    path,
    `import { definePolicy, hooksOf, pageMaybeDmaPinned, pinnedOnly } from 'cowbench'
    const mine = (k, pfn) => pageMaybeDmaPinned(k, pfn)
    export default definePolicy({
      name: 'own', summary: '', era: '', kernel: '6.18', hooks: () => (${hooks}) })`,
  )
  const pulse = new Int32Array(2)
  for (const options of [{}, { pulse }]) {
    const { forkCopies } = (await loadPolicy(path, options)).definition.create({})
    expect(isPinnedOnly(forkCopies)).toBe(only)
  }
})
