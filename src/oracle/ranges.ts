/** ranges: areas of an address space that show something else page for page: a file, or where pages came from. */

export interface Range {
  readonly vpn: number
  readonly pages: number
  /** What the first page shows; each further page shows the next one. */
  readonly target: number
}

/** Cuts [vpn, vpn + pages) out of the ranges of one process. */
export function cut<R extends Range>(
  ranges: readonly R[],
  vpn: number,
  pages: number,
): { inside: R[]; outside: R[] } {
  const inside: R[] = []
  const outside: R[] = []
  const end = vpn + pages
  for (const range of ranges) {
    const rangeEnd = range.vpn + range.pages
    const from = Math.max(vpn, range.vpn)
    const to = Math.min(end, rangeEnd)
    if (from >= to) {
      outside.push(range)
      continue
    }
    inside.push(part(range, from, to))
    if (range.vpn < from) outside.push(part(range, range.vpn, from))
    if (to < rangeEnd) outside.push(part(range, to, rangeEnd))
  }
  return { inside, outside }
}

/** What the page shows, and in which range, if in any. */
export function rangeAt<R extends Range>(ranges: readonly R[], vpn: number): R | undefined {
  return ranges.find((range) => vpn >= range.vpn && vpn < range.vpn + range.pages)
}

function part<R extends Range>(range: R, from: number, to: number): R {
  return { ...range, vpn: from, pages: to - from, target: range.target + from - range.vpn }
}
