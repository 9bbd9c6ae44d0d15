/**
 * policies: all policies in one process, each on a thread of its own as in a run, one after the other; and beside each
 * thread the same policy in a process of its own.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { commonStart, sampleElsewhere } from './side-by-side.ts'
import { type SimulateFileOptions, simulateFile } from './simulate-file.ts'

export interface PoliciesOptions {
  readonly trace: string
  readonly policies: readonly string[]
  /** How often each policy is run either way. */
  readonly passes: number
}

export type PolicyOptions = Omit<SimulateFileOptions, 'oracle'>

/** CPU milliseconds, as `NAME together PASS` and `NAME alone PASS`, passes from 0. */
export async function measurePolicies({
  trace,
  policies,
  passes,
}: PoliciesOptions): Promise<Record<string, number>> {
  const spent: Record<string, number> = {}
  for (let pass = 0; pass < passes; pass++) {
    for (const policy of policies) {
      const one: PolicyOptions = { trace, policy, startAt: commonStart() }
      const [alone, { cpuMs }] = await Promise.all([
        sampleElsewhere('policy', one),
        measurePolicy(one),
      ])
      spent[`${policy} alone ${pass}`] = alone
      spent[`${policy} together ${pass}`] = cpuMs
    }
  }
  return spent
}

/** One policy on a new thread of this process. */
export async function measurePolicy(options: PolicyOptions): Promise<{ readonly cpuMs: number }> {
  const workerData: SimulateFileOptions = { ...options, oracle: 'on' }
  const worker = new Worker(new URL(import.meta.url), { workerData })
  const cpuMs = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
    worker.once('exit', (code) =>
      reject(new Error(`the thread of ${options.policy} ended with ${code}`)),
    )
  })
  await worker.terminate()
  return { cpuMs }
}

if (!isMainThread) parentPort?.postMessage(simulateFile(workerData as SimulateFileOptions).cpuMs)
