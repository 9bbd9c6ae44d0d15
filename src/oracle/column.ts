/** column: a typed array that grows. */

/** The same integers in a longer array that has room for `index`. */
export function grown(column: Int32Array, index: number): Int32Array<ArrayBuffer> {
  let length = 2 * column.length
  while (length <= index) length *= 2
  const longer = new Int32Array(length)
  longer.set(column)
  return longer
}
