/**
 * policies: all policies in one process, each on a thread of its own as in a run, one after the other; and each in a
 * process of its own, right before or right after its thread here, so that both find the machine in the same state.
 */
import { execFileSync } from 'node:child_process'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type SimulateFileOptions, simulateFile } from './simulate-file.ts'

export interface PoliciesOptions {
  readonly trace: string
  readonly policies: readonly string[]
  /** How often each policy is run either way. */
  readonly passes: number
}

export interface PolicyOptions {
  readonly trace: string
  readonly policy: string
}

/** CPU milliseconds, as `NAME together PASS` and `NAME alone PASS`, passes from 0. */
export async function measurePolicies({
  trace,
  policies,
  passes,
}: PoliciesOptions): Promise<Record<string, number>> {
  const spent: Record<string, number> = {}
  for (let pass = 0; pass < passes; pass++) {
    for (const [i, policy] of policies.entries()) {
      // What drifts with time counts for both alike if each is first as often as the other.
      const aloneFirst = (pass + i) % 2 === 1
      if (aloneFirst) spent[`${policy} alone ${pass}`] = alone({ trace, policy })
      const { cpuMs } = await measurePolicy({ trace, policy })
      spent[`${policy} together ${pass}`] = cpuMs
      if (!aloneFirst) spent[`${policy} alone ${pass}`] = alone({ trace, policy })
    }
  }
  return spent
}

/** One policy on a new thread of this process. */
export async function measurePolicy({
  trace,
  policy,
}: PolicyOptions): Promise<{ readonly cpuMs: number }> {
  const workerData: SimulateFileOptions = { trace, policy, oracle: 'on' }
  const worker = new Worker(new URL(import.meta.url), { workerData })
  const cpuMs = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the thread of ${policy} ended with ${code}`)))
  })
  await worker.terminate()
  return { cpuMs }
}

function alone(options: PolicyOptions): number {
  // The program that this process runs is sample.ts, wherever the build put it.
  const args = [...process.execArgv, process.argv[1] ?? '', 'policy', JSON.stringify(options)]
  const text = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return (JSON.parse(text) as { cpuMs: number }).cpuMs
}

if (!isMainThread) parentPort?.postMessage(simulateFile(workerData as SimulateFileOptions).cpuMs)
