/** Closest: the valid name that a mistyped one was probably meant to be. A leaf: imports nothing. */

/** The one of `names` that `name` was meant to be, or undefined if none is near. First of the nearest. */
export function closest(name: string, names: readonly string[]): string | undefined {
  const typed = letters(name)
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of names) {
    const target = letters(candidate)
    // The beginning of a name is near it however many letters are missing, but not as near as one mistake.
    const begins = typed.length >= 3 && target.startsWith(typed)
    const distance = Math.min(editDistance(typed, target), begins ? 1.5 : Number.POSITIVE_INFINITY)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  const longest = Math.max(typed.length, letters(best ?? '').length)
  return bestDistance <= longest / 2 ? best : undefined
}

/** `unknown policy: mapcont; did you mean mapcount? available: always-copy, mapcount, ...` */
export function unknown(noun: string, name: string, names: readonly string[]): string {
  const near = closest(name, names)
  const hint = near === undefined ? '' : ` did you mean ${near}?`
  return `unknown ${noun}: ${name};${hint} available: ${names.join(', ') || 'none'}`
}

/** What can be mistyped. The dashes of a flag would make any two flags alike. */
function letters(name: string): string {
  return name.toLowerCase().replace(/^--?/, '')
}

/** Letters inserted, removed, replaced or swapped with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let distance = Math.min(at(previous, j) + 1, at(row, j - 1) + 1)
      distance = Math.min(distance, at(previous, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, at(before, j - 2) + 1)
      }
      row.push(distance)
    }
    before = previous
    previous = row
  }
  return at(previous, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index]!
}
