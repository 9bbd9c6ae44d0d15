/** column: a typed array that grows. */

/** A new column has 64 bytes, the most that V8 keeps in its own heap: anything longer is several times as dear to make. */
export const FIRST_LENGTH = 16

/** The same integers in a longer array that has room for `index`. */
export function grown(column: Int32Array, index: number): Int32Array<ArrayBuffer> {
  let length = 2 * column.length
  while (length <= index) length *= 2
  const longer = new Int32Array(length)
  longer.set(column)
  return longer
}
