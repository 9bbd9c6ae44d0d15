/**
 * The shipped font: where it lies, and how wide a text is in it, read from the TrueType tables cmap and hmtx. Charts
 * are laid out by these widths, so that they come out the same on a machine that has other fonts, or none.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const FONT_FAMILY = 'DejaVu Sans'

/** The package ships the font beside the source, not beside what is compiled to dist/src/report. */
export const FONT_FILE = ['./font/', '../../../src/report/font/']
  .map((folder) => fileURLToPath(new URL(`${folder}DejaVuSans.ttf`, import.meta.url)))
  .find((file, i, files) => existsSync(file) || i === files.length - 1) as string

export interface FontWidths {
  /** Width of `text` at `size` pixels, without kerning. */
  readonly textWidth: (text: string, size: number) => number
  /** Does the font draw this character, or only the box that stands for a missing one? */
  readonly hasGlyph: (character: string) => boolean
}

let loaded: FontWidths | undefined

/** Widths of the shipped font, read once. */
export function fontWidths(): FontWidths {
  loaded ??= parseWidths(readFileSync(FONT_FILE))
  return loaded
}

/** Throws Error `unsupported font: ...` for what is not a TrueType file with a Unicode cmap of format 4 or 12. */
export function parseWidths(file: Buffer): FontWidths {
  const tables = tablesOf(file)
  const table = (tag: string): number => {
    const offset = tables.get(tag)
    if (offset === undefined) throw new Error(`unsupported font: no ${tag} table`)
    return offset
  }
  const unitsPerEm = file.readUInt16BE(table('head') + 18)
  const metrics = file.readUInt16BE(table('hhea') + 34)
  const hmtx = table('hmtx')
  const glyphs = glyphsOf(file, table('cmap'))
  const advances = new Map<string, number>()
  const advance = (character: string): number => {
    const known = advances.get(character)
    if (known !== undefined) return known
    const glyph = glyphs(character.codePointAt(0) ?? 0)
    // Glyphs beyond the last full entry share its advance.
    const units = file.readUInt16BE(hmtx + 4 * Math.min(glyph, metrics - 1))
    advances.set(character, units)
    return units
  }
  return {
    textWidth: (text, size) => {
      let units = 0
      for (const character of text) units += advance(character)
      return (units * size) / unitsPerEm
    },
    hasGlyph: (character) => glyphs(character.codePointAt(0) ?? 0) !== 0,
  }
}

function tablesOf(file: Buffer): Map<string, number> {
  const version = file.length >= 12 ? file.readUInt32BE(0) : 0
  if (version !== 0x00010000) throw new Error(`unsupported font: not a TrueType file`)
  const count = file.readUInt16BE(4)
  return new Map(
    Array.from({ length: count }, (_, i) => {
      const at = 12 + 16 * i
      return [file.toString('latin1', at, at + 4), file.readUInt32BE(at + 8)]
    }),
  )
}

/** Code point to glyph number, 0 for none: the widest Unicode subtable of the cmap. */
function glyphsOf(file: Buffer, cmap: number): (code: number) => number {
  const offsets = Array.from({ length: file.readUInt16BE(cmap + 2) }, (_, i) => {
    const at = cmap + 4 + 8 * i
    const unicode = [0, 3].includes(file.readUInt16BE(at))
    return unicode ? cmap + file.readUInt32BE(at + 4) : -1
  }).filter((offset) => offset >= 0)
  const formats = new Map(offsets.map((offset) => [file.readUInt16BE(offset), offset]))
  const groups = formats.get(12)
  if (groups !== undefined) return (code) => glyphInGroups(file, groups, code)
  const segments = formats.get(4)
  if (segments !== undefined) return (code) => glyphInSegments(file, segments, code)
  throw new Error('unsupported font: no Unicode cmap of format 4 or 12')
}

function glyphInGroups(file: Buffer, table: number, code: number): number {
  const count = file.readUInt32BE(table + 12)
  for (let at = table + 16; at < table + 16 + 12 * count; at += 12) {
    if (code > file.readUInt32BE(at + 4)) continue
    const start = file.readUInt32BE(at)
    return code < start ? 0 : file.readUInt32BE(at + 8) + code - start
  }
  return 0
}

function glyphInSegments(file: Buffer, table: number, code: number): number {
  const size = file.readUInt16BE(table + 6)
  const ends = table + 14
  const starts = ends + size + 2
  for (let i = 0; i < size; i += 2) {
    if (code > file.readUInt16BE(ends + i)) continue
    const start = file.readUInt16BE(starts + i)
    if (code < start) return 0
    const delta = file.readUInt16BE(starts + size + i)
    const rangeAt = starts + 2 * size + i
    const range = file.readUInt16BE(rangeAt)
    if (range === 0) return (code + delta) & 0xffff
    const glyph = file.readUInt16BE(rangeAt + range + 2 * (code - start))
    return glyph === 0 ? 0 : (glyph + delta) & 0xffff
  }
  return 0
}
