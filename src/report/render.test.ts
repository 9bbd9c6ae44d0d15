/** render.test: pictures have their text, laid out by the shipped font and drawn with it. */
import { inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { matrix } from '../test/report-rows.ts'
import { CHARTS } from './charts.ts'
import { fontWidths } from './font.ts'
import { toPng, toSvg } from './render.ts'
import type { ChartSpec } from './spec.ts'

const copies = CHARTS.find(({ id }) => id === 'copies')?.draw(matrix()) as ChartSpec

/** Pixels darker than half grey in the top `lines` of a PNG with 8-bit RGBA, as resvg writes it. */
function ink(png: Buffer, lines: number): { width: number; height: number; dark: number } {
  const width = png.readUInt32BE(16)
  const height = png.readUInt32BE(20)
  expect([...png.subarray(24, 26)]).toEqual([8, 6])
  const chunks: Buffer[] = []
  for (let at = 8; at < png.length; ) {
    const size = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      chunks.push(png.subarray(at + 8, at + 8 + size))
    at += 12 + size
  }
  const raw = inflateSync(Buffer.concat(chunks))
  const stride = 4 * width
  let above = new Uint8Array(stride)
  let dark = 0
  for (let y = 0; y < Math.min(height, lines); y++) {
    const filter = raw[y * (stride + 1)] ?? 0
    const line = Uint8Array.from(raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)))
    for (let x = 0; x < stride; x++) {
      const left = x < 4 ? 0 : (line[x - 4] ?? 0)
      const corner = x < 4 ? 0 : (above[x - 4] ?? 0)
      line[x] = (line[x] ?? 0) + predicted(filter, left, above[x] ?? 0, corner)
    }
    for (let x = 0; x < stride; x += 4) if ((line[x] ?? 255) < 128) dark++
    above = line
  }
  return { width, height, dark }
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left
  if (filter === 2) return up
  if (filter === 3) return (left + up) >> 1
  if (filter !== 4) return 0
  const [a, b, c] = [left, up, corner].map((v) => Math.abs(left + up - corner - v))
  return (a ?? 0) <= (b ?? 0) && (a ?? 0) <= (c ?? 0) ? left : (b ?? 0) <= (c ?? 0) ? up : corner
}

test('an SVG has its title as text, in the shipped font', async () => {
  const svg = await toSvg(copies)
  expect(svg).toContain('Look at the orange: pages copied although their writer was the only user.')
  expect(svg).toContain('font-family="DejaVu Sans, Verdana, sans-serif"')
  expect(svg).not.toContain('bold')
})

test('the same spec gives the same SVG and the same PNG', async () => {
  const [first, second] = [await toSvg(copies), await toSvg(copies)]
  expect(second).toBe(first)
  expect(await toPng(second)).toEqual(await toPng(first))
})

test('a PNG has ink where the title is, and none there without text', async () => {
  const svg = await toSvg(copies)
  // 12 pixels of padding and a title of 15, twice as large.
  const withText = ink(await toPng(svg), 56)
  const without = ink(await toPng(svg.replace(/<text[^>]*>[^<]*<\/text>/g, '')), 56)
  expect(without.dark).toBe(0)
  // 73 characters of some 30 dark pixels each, at the least.
  expect(withText.dark).toBeGreaterThan(73 * 30)
  expect(withText.width).toBe(without.width)
})

test('a PNG is twice as large as its SVG unless told otherwise', async () => {
  const svg = await toSvg(copies)
  const [, width] = /width="([0-9.]+)"/.exec(svg) ?? []
  expect(ink(await toPng(svg), 0).width).toBe(Math.round(2 * Number(width)))
  expect(ink(await toPng(svg, 1), 0).width).toBe(Math.round(Number(width)))
})

test('text takes the room that the shipped font needs', async () => {
  const width = async (text: string): Promise<number> => {
    const spec = { data: { values: [{}] }, width: 10, height: 10, mark: 'point', padding: 0 }
    const title = { text, font: 'DejaVu Sans', fontSize: 20, anchor: 'start', limit: 0 }
    const svg = await toSvg({ ...spec, title } as unknown as ChartSpec)
    return Number(/width="([0-9.]+)"/.exec(svg)?.[1])
  }
  const { textWidth } = fontWidths()
  // Vega rounds the picture up to whole pixels; its own guess of 0.8 em would be 160 pixels for either.
  for (const text of ['mmmmmmmmmm', 'iiiiiiiiii']) {
    expect(Math.abs((await width(text)) - textWidth(text, 20))).toBeLessThanOrEqual(2)
  }
  expect(textWidth('mmmmmmmmmm', 20)).toBeGreaterThan(3 * textWidth('iiiiiiiiii', 20))
})
