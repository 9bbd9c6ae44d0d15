/** font.test: widths come from the shipped font, which has every character that charts use. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { matrix } from '../test/report-rows.ts'
import { CHARTS } from './charts.ts'
import { FONT_FILE, fontWidths, parseWidths } from './font.ts'
import { specText } from './spec.ts'

test('a text is as wide as the advances of its glyphs', () => {
  const { textWidth } = fontWidths()
  // DejaVu Sans, units of 1/2048 em: A 1401, space 651, m 1995.
  expect(textWidth('A', 2048)).toBe(1401)
  expect(textWidth('A m', 2048)).toBe(1401 + 651 + 1995)
  expect(textWidth('A m', 10)).toBeCloseTo(((1401 + 651 + 1995) * 10) / 2048, 10)
  expect(textWidth('', 10)).toBe(0)
})

test('characters beyond the first plane have glyphs too', () => {
  const { hasGlyph } = fontWidths()
  expect(hasGlyph('\u{1D54F}')).toBe(true)
  expect(hasGlyph('\u{F8FF}')).toBe(false)
})

test('the font has every character of every chart', () => {
  const { hasGlyph } = fontWidths()
  const text = CHARTS.flatMap(({ draw }) => {
    const spec = draw(matrix(3))
    return spec ? [specText(spec)] : []
  }).join('')
  expect(text).toContain('mapcount')
  const missing = [...new Set(text)].filter((c) => c > ' ' && !hasGlyph(c))
  expect(missing).toEqual([])
})

test('what is no TrueType font is refused', () => {
  expect(() => parseWidths(Buffer.from('OTTO, and more'))).toThrow(
    'unsupported font: not a TrueType file',
  )
  expect(() => parseWidths(Buffer.alloc(3))).toThrow('unsupported font: not a TrueType file')
  // The same tables under other names: nothing to read widths from.
  const renamed = Buffer.from(readFileSync(FONT_FILE))
  renamed.write('xxxx', renamed.indexOf('cmap'), 'latin1')
  expect(() => parseWidths(renamed)).toThrow('unsupported font: no cmap table')
})
