/**
 * picture: a chart as a file beside the documentation. It is known by its specification, which it carries the hash of,
 * and not by its bytes: engines may differ in the last digit of a coordinate.
 */
import { createHash } from 'node:crypto'
import { toSvg } from '../src/report/render.ts'
import { type ChartSpec, specText } from '../src/report/spec.ts'

/** First digits of the specification's hash. */
export function markOf(spec: ChartSpec): string {
  return createHash('sha256').update(specText(spec)).digest('hex').slice(0, 12)
}

/** The file, which ends with its mark. */
export async function pictureOf(spec: ChartSpec): Promise<string> {
  return `${await toSvg(spec)}\n${lastLine(spec)}`
}

/** Was `svg` drawn from this specification? */
export function shows(svg: string, spec: ChartSpec): boolean {
  return svg.endsWith(`\n${lastLine(spec)}`)
}

const lastLine = (spec: ChartSpec): string => `<!-- ${markOf(spec)} -->\n`
