/** shrink: a test that shows a difference, cut down as long as it still shows one; this file knows what may be cut. */
import { LitmusError } from '../litmus/litmus-error.ts'
import { parseLitmus } from '../litmus/parse.ts'
import type { LitmusTest } from '../litmus/program.ts'

/** Asks whether a test still shows what the first one showed. */
export type StillShows = (test: LitmusTest) => Promise<boolean>

/** The shortest test on the way: no line or fork can be left out of it, and no range be made a single page. */
export async function shrink(
  lines: readonly string[],
  name: string,
  stillShows: StillShows,
): Promise<string[]> {
  const holds = async (candidate: readonly string[]) => {
    const test = parsed(candidate, name)
    return test !== undefined && (await stillShows(test))
  }
  let best = [...lines]
  for (let before = -1; before !== sizeOf(best); ) {
    before = sizeOf(best)
    best = await withoutLines(best, holds)
    best = await withoutForks(best, holds)
    best = await withSmallerRanges(best, holds)
  }
  return best
}

type Holds = (lines: readonly string[]) => Promise<boolean>

async function withoutLines(lines: string[], holds: Holds): Promise<string[]> {
  for (let chunk = Math.ceil(lines.length / 2); chunk >= 1; chunk = Math.floor(chunk / 2)) {
    for (let at = lines.length - chunk; at >= 0; at -= chunk) {
      const candidate = [...lines.slice(0, at), ...lines.slice(at + chunk)]
      if (candidate.length > 0 && (await holds(candidate))) lines = candidate
    }
  }
  return lines
}

/** What a child does, done by its parent. */
async function withoutForks(lines: string[], holds: Holds): Promise<string[]> {
  for (let i = lines.length - 1; i >= 0; i--) {
    const [, parent, child] = /^fork (\w+) (\w+)$/.exec(lines[i] as string) ?? []
    if (parent === undefined) continue
    const candidate = lines.toSpliced(i, 1).map((line) =>
      line.replace(/^(\w+) (\w+)/, (all, verb, name) => {
        return name === child ? `${verb} ${parent}` : all
      }),
    )
    if (await holds(candidate)) lines = candidate
  }
  return lines
}

const RANGE = /\[(\d+)\.\.(\d+)\]/

/** `buf[3..9]` as `buf[3]` or `buf[9]`, and `buf` as `buf[0]`. */
async function withSmallerRanges(lines: string[], holds: Holds): Promise<string[]> {
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string
    const match = RANGE.exec(line)
    const candidates =
      match === null
        ? wholeAreas(line)
        : [line.replace(RANGE, `[${match[1]}]`), line.replace(RANGE, `[${match[2]}]`)]
    for (const candidate of candidates) {
      const changed = lines.with(i, candidate)
      if (await holds(changed)) {
        lines = changed
        break
      }
    }
  }
  return lines
}

const ON_AREA =
  /^(write|read|writesame|munmap|mprotect|madvise|swapout|uffdwp|pin|show) (\w+) (\w+)( .*)?$/
const ON_PIN = /^(devread|devwrite) (\w+)$/

function wholeAreas(line: string): string[] {
  const [, verb, process, area, rest = ''] = ON_AREA.exec(line) ?? []
  if (verb !== undefined) return [`${verb} ${process} ${area}[0]${rest}`]
  const [, device, pin] = ON_PIN.exec(line) ?? []
  return device === undefined ? [] : [`${device} ${pin}[0]`]
}

/** Undefined if the lines are no test any more: something that they name is gone. */
function parsed(lines: readonly string[], name: string): LitmusTest | undefined {
  try {
    return parseLitmus(lines.join('\n'), name)
  } catch (error) {
    if (error instanceof LitmusError) return undefined
    throw error
  }
}

function sizeOf(lines: readonly string[]): number {
  return lines.join('\n').length
}
