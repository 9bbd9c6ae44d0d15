/**
 * Pictures: a Vega-Lite spec as SVG, and the SVG as PNG. Nothing here asks the machine for a font, so both come out
 * the same everywhere.
 */
import { FONT_FAMILY, FONT_FILE, fontWidths } from './font.ts'
import type { ChartSpec } from './spec.ts'

/** Draws one spec at a time. Vega and its compiler take a quarter of a second to load: only drawing pays for them. */
export async function toSvg(spec: ChartSpec): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  const { textMetrics, resetSVGDefIds } = vega as object as Untyped
  textMetrics.width = shippedFontWidth
  // Gradients and clips are numbered through the life of the process.
  resetSVGDefIds()
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

/** `scale` pixels for each unit of the SVG. */
export async function toPng(svg: string, scale = 2): Promise<Buffer> {
  const { Resvg } = await import('@resvg/resvg-js')
  const picture = new Resvg(svg, {
    // With no font at all resvg drops text silently.
    font: {
      fontFiles: [FONT_FILE],
      loadSystemFonts: false,
      defaultFontFamily: FONT_FAMILY,
      sansSerifFamily: FONT_FAMILY,
    },
    fitTo: { mode: 'zoom', value: scale },
    background: 'white',
  })
  return picture.render().asPng()
}

interface TextItem {
  readonly fontSize?: number
  readonly limit?: number
}

/** What Vega exports and its types leave out. */
interface Untyped {
  readonly textMetrics: { width: (item: TextItem, text: unknown) => number }
  readonly resetSVGDefIds: () => void
}

/** Without a canvas Vega guesses 0.8 em for every character. */
function shippedFontWidth(item: TextItem, text: unknown): number {
  const { textWidth } = fontWidths()
  const width = textWidth(text == null ? '' : String(text).trim(), item.fontSize ?? 11)
  return item.limit !== undefined && item.limit > 0 ? Math.min(width, item.limit) : width
}
