/**
 * Policies as a reader sees them: their historical order and one colour, point shape and dash each, in every chart.
 *
 * The colours were searched for, not picked: any two stay apart in OKLab for normal sight, protanopia, deuteranopia
 * and tritanopia (Machado, Oliveira and Fernandes, 2009), which palette.test.ts holds. Sixteen are still too many to
 * tell by colour alone, hence the shapes and dashes.
 */

/** Historical order: of tables, of axes, of legends. A policy that is not listed comes after these. */
export const POLICY_ORDER: readonly string[] = [
  'always-copy',
  'mapcount',
  'reuse-swap-page',
  'no-unmap-gup',
  'early-decow',
  'forced-gup-break',
  'page-count',
  'page-count-refined',
  'anon-exclusive',
  'order0-copy',
  'table-scan',
  'mm-id',
  'on-demand-fork',
  'cow-pte-owner',
  'cow-pte-accounted',
  'clairvoyant',
]

/** One for each policy above, then those for policies from elsewhere. */
export const COLOURS: readonly string[] = [
  '#8c8c8c',
  '#276bde',
  '#00ccc9',
  '#5b550a',
  '#c37454',
  '#074301',
  '#e88f03',
  '#ba3b65',
  '#1540b4',
  '#22a0c5',
  '#8fbb7d',
  '#4b0083',
  '#c6cf20',
  '#956800',
  '#cd81ff',
  '#000000',
  '#60024a',
  '#755fa4',
  '#872b61',
  '#ffa5ff',
]

const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down'] as const
const DASHES: readonly (readonly number[])[] = [
  [1, 0],
  [6, 2],
  [2, 2],
  [8, 2, 2, 2],
]

export interface Look {
  readonly colour: string
  readonly shape: string
  readonly dash: readonly number[]
}

/** Policies that occur in `names`, each once: known ones in historical order, then the others as they come. */
export function inOrder(names: Iterable<string>): string[] {
  const present = new Set(names)
  const others = [...present].filter((name) => !POLICY_ORDER.includes(name))
  return [...POLICY_ORDER.filter((name) => present.has(name)), ...others]
}

/**
 * How each of `policies` looks. Those from elsewhere take, in the order given, the spare colours, then those of policies
 * that are not there; when all are taken, the same again with other dashes.
 */
export function looksOf(policies: readonly string[]): Map<string, Look> {
  const others = policies.filter((name) => !POLICY_ORDER.includes(name))
  const absent = POLICY_ORDER.flatMap((name, nth) => (policies.includes(name) ? [] : [nth]))
  const free = [...COLOURS.slice(POLICY_ORDER.length), ...absent.map((nth) => COLOURS[nth] ?? '')]
  return new Map(
    policies.map((name) => {
      const known = POLICY_ORDER.indexOf(name)
      if (known >= 0) return [name, look(COLOURS[known] ?? '', known, known)]
      const other = others.indexOf(name)
      const [nth, round] = [other % free.length, Math.floor(other / free.length)]
      const shape = POLICY_ORDER.length + other
      return [name, look(free[nth] ?? '', shape, POLICY_ORDER.length + nth + round)]
    }),
  )
}

function look(colour: string, shape: number, dash: number): Look {
  return {
    colour,
    shape: SHAPES[shape % SHAPES.length] as string,
    dash: DASHES[dash % DASHES.length] as readonly number[],
  }
}
