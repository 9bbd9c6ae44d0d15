/**
 * policies: several policies in one process, each on a thread of its own as in a run, one after the other; and the CPU
 * time of each.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type SimulateFileOptions, simulateFile } from './simulate-file.ts'

export interface PoliciesOptions {
  readonly trace: string
  readonly policies: readonly string[]
}

/** CPU milliseconds by policy. */
export async function measurePolicies({
  trace,
  policies,
}: PoliciesOptions): Promise<Record<string, number>> {
  const spent: Record<string, number> = {}
  for (const policy of policies) {
    const workerData: SimulateFileOptions = { trace, policy, oracle: 'on' }
    const worker = new Worker(new URL(import.meta.url), { workerData })
    spent[policy] = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
      worker.once('exit', (code) => reject(new Error(`the thread of ${policy} ended with ${code}`)))
    })
    await worker.terminate()
  }
  return spent
}

if (!isMainThread) parentPort?.postMessage(simulateFile(workerData as SimulateFileOptions).cpuMs)
