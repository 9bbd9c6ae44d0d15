/** worker.test: a thread runs what the run was begun with, or nothing. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadWorkload } from './load/workloads.ts'
import { Ring } from './stream/ring.ts'
import type { ProduceOutcome, ProduceTask } from './worker.ts'

/** From the sources, the worker is the one that was built. */
const DIST = fileURLToPath(new URL('../dist/src/', import.meta.url))

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench worker '))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const RULE = `import { COPY, definePolicy } from 'cowbench'
export default definePolicy({ name: 'rule', summary: '', era: '', kernel: '6.18',
  hooks: () => ({ wpReuse: () => COPY }) })`

/** Its trace is made before a thread gets to the rule. */
const EDITOR = `import { defineWorkload, MAP_PRIVATE_ANON, PROT_RW } from 'cowbench'
import { appendFileSync } from 'node:fs'
export default defineWorkload({ name: 'editor', summary: '', params: {}, generate(t) {
  appendFileSync('rule.ts', '// and thought better of it')
  const mm = t.spawn()
  t.mmap(mm, 0, 8, MAP_PRIVATE_ANON, PROT_RW)
  t.store(mm, 3)
  t.exit(mm)
} })`

test('a policy that was edited after the run began is not run under the hash that it had', () => {
  writeFileSync(join(home, 'rule.ts'), RULE)
  writeFileSync(join(home, 'editor.ts'), EDITOR)
  const words = [
    'run',
    '--policy',
    './rule.ts,mm-id',
    '--workload',
    './editor.ts',
    '--name',
    'edited',
  ]
  const { status, stderr } = spawnSync(process.execPath, [join(DIST, 'cli/main.js'), ...words], {
    ...{ cwd: home, encoding: 'utf8' },
  })
  expect(status).toBe(1)
  const { plan } = JSON.parse(readFileSync(join(home, 'results/edited/manifest.json'), 'utf8'))
  const [{ hash }] = plan.policies
  expect(stderr).toContain(
    `\nerror: rule on editor, seed 1: invalid policy file: ${home}/rule.ts: it was changed meanwhile; hash `,
  )
  expect(stderr).toContain(`, expected ${hash}\n`)
  const rows = readFileSync(join(home, 'results/edited/rows.csv'), 'utf8').trim().split('\n')
  expect(rows.slice(1).map((row) => row.split(',').at(-1))).toEqual(['error', 'ok'])
})

test('nor is a workload', async () => {
  const path = join(home, 'load.ts')
  writeFileSync(path, EDITOR.replace(/appendFile.*'\)/, ''))
  const { file } = await loadWorkload(path)
  writeFileSync(path, `${readFileSync(path, 'utf8')} `)
  const worker = new Worker(join(DIST, 'worker.js'))
  const task: ProduceTask = {
    source: { workload: path, hash: file?.hash, values: {}, seed: 1 },
    ring: Ring.create(1, 2).memory,
  }
  const outcome = await new Promise<ProduceOutcome>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject).postMessage(task)
  })
  await worker.terminate()
  expect(outcome).toMatchObject({
    ok: false,
    error: expect.stringMatching(
      new RegExp(
        `^invalid workload file: ${path}: it was changed meanwhile; hash .*${file?.hash}$`,
      ),
    ),
  })
})
