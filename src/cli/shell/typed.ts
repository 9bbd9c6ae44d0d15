/** typed: words as they have to be typed, so that a shell takes each for one. */

export function commandLine(words: readonly string[]): string {
  return words.map(typed).join(' ')
}

export function typed(word: string): string {
  return /^[\w./,=:@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** A flag and its value, as two words; as one where the value would be taken for another flag. */
export function flagWords(name: string, value: string): string[] {
  return value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value]
}
