/** litmus-error: what is wrong in a .cow file, and where. */

/** A mistake in a .cow file. The message begins with the file and the line. */
export class LitmusError extends Error {
  override readonly name = 'LitmusError'
  readonly file: string
  readonly line: number

  constructor(file: string, line: number, what: string) {
    super(`${file}:${line}: ${what}`)
    this.file = file
    this.line = line
  }
}
