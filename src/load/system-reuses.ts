/**
 * system-reuses: what the kernel counted while a recording was made, which its text cannot say; this file reads the
 * note beside it: `X.json` next to the recording `X`.
 */
import { readFileSync } from 'node:fs'
import type { SystemReuses } from '../trace/recording.ts'

/**
 * The note beside the recording `path`, if there is one.
 * @throws Error in one line that names the note and what is wrong with it.
 */
export function systemReusesBeside(path: string): SystemReuses | undefined {
  const note = `${path}.json`
  let text: string
  try {
    text = readFileSync(note, 'utf8')
  } catch {
    return undefined
  }
  const { pgreuse, others } = fieldsOf(text)
  if (typeof pgreuse !== 'number' || !Number.isSafeInteger(pgreuse) || pgreuse < 0) {
    throw new Error(
      `invalid note: ${note}; expected: {"pgreuse": COUNT, "others": "WHAT ELSE RAN"}`,
    )
  }
  return typeof others === 'string' ? { pgreuse, others } : { pgreuse }
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // Refused by the caller, which knows the name of the file.
  }
  return {}
}
