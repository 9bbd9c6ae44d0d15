/** cow-language: reads the litmus language: one operation a line, with its pages and its words. */
export interface Range {
  readonly area: string
  /** Null: the whole area. */
  readonly first: number | null
  readonly last: number | null
}

export interface Operation {
  readonly n: number
  readonly text: string
  readonly verb: string
  readonly words: readonly string[]
}

/** The operations of a .cow file, numbered as records number them: without comments, blank lines and expectations. */
export function parseCow(text: string): Operation[] {
  const operations: Operation[] = []
  for (const line of text.split('\n')) {
    const plain = line.replace(/#.*/, '').trim().replace(/\s+/g, ' ')
    const [verb, ...words] = plain.split(' ')
    if (!verb || verb.startsWith('expect')) continue
    operations.push({ n: operations.length + 1, text: plain, verb, words })
  }
  return operations
}

/** `buf`, `buf[3]` or `buf[0..7]`; for pins `P1[0]`. */
export function parseRange(word: string | undefined): Range {
  const match = /^(\w+)(?:\[(\d+)(?:\.\.(\d+))?\])?$/.exec(word ?? '')
  if (match?.[1] === undefined) throw new RangeError(`invalid range: ${word}`)
  const first = match[2] === undefined ? null : Number(match[2])
  return { area: match[1], first, last: match[3] === undefined ? first : Number(match[3]) }
}

/** `0..3=reuse,5=copy`: runs of pages with one outcome. */
export function joinOutcomes(pages: readonly { page: number; outcome: string }[]): string {
  const runs: { first: number; last: number; outcome: string }[] = []
  for (const { page, outcome } of pages) {
    const run = runs.at(-1)
    if (run !== undefined && run.outcome === outcome && run.last + 1 === page) run.last = page
    else runs.push({ first: page, last: page, outcome })
  }
  return runs
    .map((run) => {
      const range = run.first === run.last ? `${run.first}` : `${run.first}..${run.last}`
      return `${range}=${run.outcome}`
    })
    .join(',')
}

/** The outcome of each page of `0..3=reuse,5=copy`; an outcome without pages stands under -1. */
export function splitOutcomes(outcome: string): Map<number, string> {
  const pages = new Map<number, string>()
  for (const run of outcome.split(',')) {
    const match = /^(\d+)(?:\.\.(\d+))?=(.*)$/.exec(run)
    if (match?.[3] === undefined) {
      pages.set(-1, outcome)
      continue
    }
    const first = Number(match[1])
    for (let page = first; page <= Number(match[2] ?? first); page++) pages.set(page, match[3])
  }
  return pages
}
