/** The eras of the mechanism (src/sim/era.ts), by the release that they begin with: what a policy's `kernel` may be. */
export const ERA_NAMES = [
  '5.6',
  '5.7',
  '5.8',
  '5.15',
  '5.18',
  '5.19',
  '6.1',
  '6.12',
  '6.18',
] as const

/** One of them: `6.18` is the mechanism of 6.18 and of what comes after it. */
export type EraName = (typeof ERA_NAMES)[number]
