/**
 * ranges: sorted, disjoint page ranges of one process; the mappings as far as validate.ts cares.
 */

export interface Range {
  readonly start: number
  /** One past the last page. */
  readonly end: number
  readonly dontfork: boolean
}

export function find(ranges: readonly Range[], vpn: number): Range | undefined {
  const range = ranges[firstEndingAfter(ranges, vpn)]
  return range && range.start <= vpn ? range : undefined
}

/** The first page of [start, end) that is in no range. */
export function unmappedPage(
  ranges: readonly Range[],
  start: number,
  end: number,
): number | undefined {
  let at = start
  for (let i = firstEndingAfter(ranges, start); at < end; i++) {
    const range = ranges[i]
    if (!range || range.start > at) return at
    at = range.end
  }
  return undefined
}

/** Adds a range. Says what it overlaps, and then adds nothing. */
export function insert(ranges: Range[], range: Range): string | undefined {
  const i = firstEndingAfter(ranges, range.start)
  const next = ranges[i]
  if (next && next.start < range.end) {
    return `pages [${range.start}, ${range.end}) overlap the mapping [${next.start}, ${next.end})`
  }
  ranges.splice(i, 0, range)
  return undefined
}

/** Removes what lies within [start, end), and returns it. */
export function remove(ranges: Range[], start: number, end: number): Range[] {
  const first = firstEndingAfter(ranges, start)
  let last = first
  const removed: Range[] = []
  const rest: Range[] = []
  for (; last < ranges.length && ranges[last]!.start < end; last++) {
    const range = ranges[last]!
    if (range.start < start) rest.push({ ...range, end: start })
    removed.push({
      ...range,
      start: Math.max(start, range.start),
      end: Math.min(end, range.end),
    })
    if (range.end > end) rest.push({ ...range, start: end })
  }
  ranges.splice(first, last - first, ...rest)
  return removed
}

function firstEndingAfter(ranges: readonly Range[], vpn: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle]!.end <= vpn) low = middle + 1
    else high = middle
  }
  return low
}
