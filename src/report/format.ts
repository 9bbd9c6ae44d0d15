/**
 * How numbers are written for readers: whole counts with separators, short counts, durations. No locale decides.
 */

/** `1,234,567`; a mean over seeds keeps one decimal below 100. */
export function count(value: number): string {
  const text = value.toFixed(Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 1)
  const [whole = '', decimals] = text.split('.')
  const grouped = whole.replace(/\B(?=(?:[0-9]{3})+$)/g, ',')
  return decimals === undefined || decimals === '0' ? grouped : `${grouped}.${decimals}`
}

/** At most five characters, and a sign: `12345` as `12.3k`. */
export function shortCount(value: number): string {
  const size = Math.abs(value)
  if (size < 10_000) return String(Math.round(value))
  return scaled(value, size, [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ])
}

/** Nanoseconds in the largest unit that leaves a whole part: `1.23 ms`. */
export function duration(ns: number): string {
  if (ns === 0) return '0'
  return scaled(ns, ns, [
    [1e9, ' s'],
    [1e6, ' ms'],
    [1e3, ' us'],
    [1, ' ns'],
  ])
}

/** Three digits that count, in the first unit that fits the value as it will be printed. */
function scaled(
  value: number,
  size: number,
  units: readonly (readonly [number, string])[],
): string {
  const [unit, name] = units.find(([u]) => size >= u * 0.9995) ?? units[units.length - 1] ?? [1, '']
  const digits = size / unit
  return `${(value / unit).toFixed(digits < 9.995 ? 2 : digits < 99.95 ? 1 : 0)}${name}`
}
