/** with-section: replaces what a document has between two markers, as in `<!-- agreement:begin -->`. */

/** `text` with `section` between the markers of that `name`. Throws Error if it lacks them. */
export function withSection(text: string, name: string, section: string): string {
  const [BEGIN, END] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`missing markers: ${BEGIN} and ${END}`)
  return `${text.slice(0, begin + BEGIN.length)}\n${section}\n${text.slice(end)}`
}
