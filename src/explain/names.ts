/** names: how processes, pages and pins are called: as a litmus test calls them, or by their numbers. */
import type { LitmusTest } from '../litmus/program.ts'
import { OP_MMAP, OP_MREMAP } from '../trace/ops.ts'

export interface Names {
  process(mm: number): string
  page(mm: number, vpn: number): string
  pin(id: number): string
  /** `event 7`, or `operation 7`. */
  event(n: number): string
  /** The page that `text` names; `mm` is -1 if it does not say whose. Throws RangeError `unknown page: ...`. */
  find(text: string): { readonly mm: number; readonly vpn: number }
}

export const NUMBERS: Names = {
  process: (mm) => `process ${mm}`,
  page: (_mm, vpn) => `page ${vpn}`,
  pin: (id) => `pin ${id}`,
  event: (n) => `event ${n}`,
  find(text) {
    const [, mm, vpn] = /^(?:(\d+):)?(\d+)$/.exec(text) ?? []
    if (vpn === undefined) {
      throw new RangeError(`unknown page: ${text}; expected: a page number, or PROCESS:PAGE`)
    }
    return { mm: mm === undefined ? -1 : Number(mm), vpn: Number(vpn) }
  },
}

/** The names of a litmus test: `buf[3]`, or `A:buf[3]` where it matters whose. */
export function namesOf(test: LitmusTest): Names {
  const areas = areasOf(test)
  const process = (mm: number): string => test.processes[mm] ?? `process ${mm}`
  return {
    process,
    page(_mm, vpn) {
      const area = areas.findLast(({ start }) => start <= vpn)
      return area === undefined ? `page ${vpn}` : `${area.name}[${vpn - area.start}]`
    },
    pin: (id) => test.pins[id]?.name ?? `pin ${id}`,
    event: (n) => `operation ${n}`,
    find(text) {
      const [, who, name, index] = /^(?:(\w+):)?(\w+)\[(\d+)\]$/.exec(text) ?? []
      const area = areas.find((known) => known.name === name)
      const mm = who === undefined ? -1 : test.processes.indexOf(who)
      if (area === undefined || (who !== undefined && mm < 0)) {
        const known = areas.map((each) => `${each.name}[0]`).join(', ')
        throw new RangeError(`unknown page: ${text}; available: ${known}, or A:buf[0] for A's`)
      }
      return { mm, vpn: area.start + Number(index) }
    },
  }
}

interface Area {
  readonly name: string
  readonly start: number
}

/** Every area that the test maps or moves to, by its first page. */
function areasOf({ operations }: LitmusTest): Area[] {
  const areas: Area[] = []
  for (const { code, area, vpn, value, text } of operations) {
    if (code === OP_MMAP) areas.push({ name: area, start: vpn })
    if (code === OP_MREMAP) areas.push({ name: text.split(' ').at(-1) ?? '', start: value })
  }
  return areas.sort((a, b) => a.start - b.start)
}
