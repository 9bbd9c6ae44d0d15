/** completion: what the shell offers after a flag whose values have names. */

type Offer = (words: string[]) => void

const NAMES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  '--policy': policies,
  '--against': policies,
  '--workload': async () =>
    (await import('../../workloads/index.ts')).WORKLOADS.map(({ name }) => name),
  '--kernel': async () => (await import('../sim/kernels.ts')).KERNELS.map(({ name }) => name),
  '--metric': async () => (await import('../metrics/schema.ts')).METRICS.map(({ id }) => id),
}

async function policies(): Promise<readonly string[]> {
  return (await import('../../policies/index.ts')).POLICIES.map(({ name }) => name)
}

/** The signature is yargs's: `usual` are the commands and flags that it knows by itself. */
export async function completions(
  current: string,
  _argv: unknown,
  usual: (then: (error: Error | null, words: string[] | undefined) => void) => void,
  offer: Offer,
): Promise<void> {
  const names = await NAMES[process.argv.at(-2) ?? '']?.()
  if (names === undefined) {
    usual((_, words) => offer(words ?? []))
    return
  }
  // `mapcount,mm-` is completed after the comma.
  const begun = current.slice(0, current.lastIndexOf(',') + 1)
  offer(names.map((name) => begun + name).filter((word) => word.startsWith(current)))
}
