/** json: reads values of unknown shape out of the JSON files of litmus tests. */

/** `fail` is told what is wrong, and throws. */
export function parseJson(text: string, fail: (what: string) => never): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return fail('not JSON')
  }
}

export function objectIn(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function textsIn(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
}
