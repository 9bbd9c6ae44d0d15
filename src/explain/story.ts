/**
 * story: an execution told event by event: what the page was, what was asked and answered, what the oracle says to it,
 * what the page is now. An event is one operation of a litmus test, or one event of a trace.
 */
import { describe } from '../oracle/describe.ts'
import type { Breach } from '../oracle/judge.ts'
import { OPERANDS } from '../trace/ops.ts'
import type { Names } from './names.ts'
import { type PageState, pageAt } from './page-state.ts'
import type { Asked, Heard, Judged, Witness } from './witness.ts'

/** One page as far as an event concerned it. */
export interface PageStory {
  readonly mm: number
  readonly vpn: number
  readonly page: string
  readonly before: PageState
  readonly asked: readonly Asked[]
  readonly judged: readonly Judged[]
  readonly after: PageState
}

/** A breach, and the sentence about it. */
export interface Observed extends Breach {
  readonly text: string
}

export interface Told {
  readonly n: number
  readonly text: string
  /** What it showed, or `failed`. Empty where there is nothing to say. */
  readonly outcome: string
  readonly pages: readonly PageStory[]
  readonly breaches: readonly Observed[]
  /** Why it went no further. */
  readonly error?: string
}

/** One event, before it happens. */
export interface Happening {
  readonly n: number
  readonly text: string
  /** Whose pages it names, from which on, and how many: 0 if it names none. */
  readonly mm: number
  readonly vpn: number
  readonly pages: number
  /** Makes it happen on the witness's machine; what it showed. */
  readonly run: () => string
}

/** Does the event and tells what there was to hear; with states if `watching`. */
export function tell(
  witness: Witness,
  names: Names,
  happening: Happening,
  watching: boolean,
): Told {
  const { machine } = witness.engine
  const { mm, vpn: first, n, text } = happening
  witness.watching = watching
  witness.starts(n)
  // Of several pages about which nothing is asked, the first will do.
  const shown = watching && happening.pages > 0 ? [first] : []
  const before = new Map(shown.map((vpn) => [keyOf(mm, vpn), pageAt(machine, mm, vpn)]))
  let outcome = ''
  let error: string | undefined
  try {
    outcome = happening.run()
  } catch (thrown) {
    error = (thrown as Error).message
  }
  const heard = witness.take()
  const pages = pagesOf(heard, shown, mm).map(
    ({ key, mm: of, vpn, asked, judged }): PageStory => ({
      ...{ mm: of, vpn, page: names.page(of, vpn), asked, judged },
      before: asked[0]?.state ?? before.get(key) ?? { what: 'nothing' },
      after: watching ? pageAt(machine, of, vpn) : { what: 'nothing' },
    }),
  )
  const breaches = heard.breaches.map((breach) => {
    return { ...breach, text: sentence(describe(breach), witness, names) }
  })
  const told = { n, text, outcome, pages, breaches }
  return error === undefined ? told : { ...told, error }
}

/** The oracle numbers processes, pages and the machine's own events; a litmus test has names for them. */
function sentence(text: string, witness: Witness, names: Names): string {
  return text
    .replace(/\bprocess (\d+)/g, (_, mm) => names.process(Number(mm)))
    .replace(/\bpage (\d+)/g, (_, vpn) => names.page(-1, Number(vpn)))
    .replace(/\bevent (\d+)/g, (_, event) => names.event(witness.numberOf(Number(event))))
}

interface Concerned {
  readonly key: string
  readonly mm: number
  readonly vpn: number
  readonly asked: Asked[]
  readonly judged: Judged[]
}

/** The pages that were asked about or decided, in that order; else those that the event names. */
function pagesOf({ asked, judged }: Heard, named: readonly number[], mm: number): Concerned[] {
  const pages = new Map<string, Concerned>()
  const page = (of: number, vpn: number): Concerned => {
    const key = keyOf(of, vpn)
    const known = pages.get(key) ?? { key, mm: of, vpn, asked: [], judged: [] }
    pages.set(key, known)
    return known
  }
  for (const each of asked) {
    const at = each.state?.mappings?.find((mapping) => mapping.mm === each.mm)
    // Reclaim asks about a frame, whoever faulted last.
    const of = each.hook === 'reclaimRefuses' ? (each.state?.mappings?.[0] ?? at) : undefined
    page(of?.mm ?? each.mm, of?.vpn ?? each.vpn).asked.push(each)
  }
  for (const each of judged) {
    // A huge folio is judged from its first page on, whichever page of it was asked about.
    const within = [...pages.values()].find(({ mm: of, vpn }) => {
      return of === each.mm && vpn >= each.vpn && vpn < each.vpn + each.pages
    })
    const { mm: of, vpn } = within ?? each
    page(of, vpn).judged.push(each)
  }
  if (pages.size === 0) for (const vpn of named) page(mm, vpn)
  return [...pages.values()]
}

function keyOf(mm: number, vpn: number): string {
  return `${mm}:${vpn}`
}

/** Did a policy answer otherwise than it should have, or was something seen that should not be? */
export function isInteresting({ pages, breaches, error }: Told): boolean {
  const wrong = pages.some(({ judged }) => judged.some((verdict) => verdict.wrong))
  return wrong || breaches.length > 0 || error !== undefined
}

/** Does the event name this page, or was something asked or decided about it? `mm` -1: of any process. */
export function happensAt(
  { pages }: Told,
  happening: Happening,
  at: { readonly mm: number; readonly vpn: number },
): boolean {
  const ours = (mm: number): boolean => at.mm < 0 || mm === at.mm
  const { mm, vpn, pages: named } = happening
  if (ours(mm) && at.vpn >= vpn && at.vpn < vpn + named) return true
  return pages.some((page) => ours(page.mm) && page.vpn === at.vpn)
}

/** Was a policy asked anything? */
export function isAsked({ pages }: Told): boolean {
  return pages.some(({ asked, judged }) => asked.length + judged.length > 0)
}

type Range = Pick<Happening, 'vpn' | 'pages'>

/** Pages that an operation of src/trace/ops.ts names. */
export function pagesNamed(op: number, operands: readonly number[]): Range {
  const names = OPERANDS[op] ?? []
  const at = (name: string): number | undefined => operands[names.indexOf(name)]
  const vpn = at('vpn')
  return vpn === undefined ? { vpn: -1, pages: 0 } : { vpn, pages: at('pages') ?? 1 }
}
