/** text: a story in lines of at most 100 columns. */
import type { Names } from './names.ts'
import type { PageState } from './page-state.ts'
import type { PageStory, Told } from './story.ts'
import type { Asked, Judged } from './witness.ts'

const WIDTH = 100
const INDENT = 11

/** What the oracle's class means, for a reader who has not read the model. */
const MEANS: Readonly<Record<string, string>> = {
  reuse: 'reuse: nobody else can see the page',
  'needed copy': 'needed copy: somebody else can see the page',
  'missed reuse': 'missed reuse: nobody else could see the page',
  'unsafe reuse': 'UNSAFE REUSE: somebody else can see the page, and what is stored to it',
}

/** One event: a line, and under it the pages that it concerned. */
export function textOf(told: Told, names: Names): string {
  const { n, text, outcome, pages, breaches, error } = told
  const end = outcome === '' ? '' : ` -> ${outcome}`
  return [
    wrapped(`${String(n).padStart(4)}  ${text}${end}`, 6),
    ...grouped(pages).flatMap(([first, ...others]) => pageText(first, others, names)),
    ...breaches.map((breach) => field('observed', breach.text)),
    ...(error === undefined ? [] : [field('stopped', error)]),
  ].join('\n')
}

/** Neighbours of which the same is to be told, but for their numbers, are told together. */
function grouped(pages: readonly PageStory[]): [PageStory, ...PageStory[]][] {
  const groups: [PageStory, ...PageStory[]][] = []
  let last = ''
  for (const page of pages) {
    const look = lookOf(page)
    if (look === last) groups.at(-1)?.push(page)
    else groups.push([page])
    last = look
  }
  return groups
}

function lookOf({ before, asked, judged, after }: PageStory): string {
  const plain = ({ frame: _f, index: _i, mappings, holders, ...state }: PageState): unknown => ({
    ...{ state, holders, mappings: mappings?.map(({ mm, entry }) => [mm, entry]) },
  })
  const answers = asked.map(({ hook, answer }) => [hook, answer])
  const classes = judged.map(({ site, verdict }) => [site, verdict])
  return JSON.stringify([plain(before), answers, classes, plain(after)])
}

function pageText(story: PageStory, others: readonly PageStory[], names: Names): string[] {
  const { mm, page, before, asked, judged, after } = story
  const last = others.at(-1)
  const more = last === undefined ? '' : ` and ${others.length} more like it, to ${last.page}`
  const same = sameState(before, after)
  const whose = `${names.process(mm)}'s ${page}${more}`
  return [
    field('page', whose),
    ...stateText(same ? 'state' : 'before', before, names),
    ...asked.flatMap((each, i) => askedText(each, asked[i - 1])),
    ...judged.map((each) => field('oracle', judgedText(each))),
    ...(same ? [] : stateText('after', after, names)),
  ]
}

function askedText(each: Asked, previous: Asked | undefined): string[] {
  // The same question twice: the mechanism has drained a batch or given the swapcache up meanwhile.
  const again = previous?.hook === each.hook && previous.pfn === each.pfn
  const changed =
    again && each.state !== undefined ? `again, page_count ${each.state.count} now: ` : ''
  return [
    field('asked', `${changed}${each.question}`),
    field('answer', `${each.answer} (${each.hook})`),
  ]
}

function judgedText({ site, pages, verdict }: Judged): string {
  const what = pages === 1 ? '' : ` (${pages} pages)`
  return `${MEANS[verdict] ?? verdict}${what}, at ${site}`
}

function sameState(a: PageState, b: PageState): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function stateText(label: string, state: PageState, names: Names): string[] {
  const {
    what,
    frame,
    order,
    index,
    count,
    references,
    mappings,
    holders,
    flags,
    swapEntries,
    own,
  } = state
  const folio = order === undefined ? '' : ` (page ${index} of a folio of order ${order})`
  const facts = [
    frame === undefined ? what : `frame ${frame}${folio}: ${what}`,
    ...(flags ?? []),
    ...(own === undefined ? [] : [`own bits ${own}`]),
    ...(swapEntries === undefined ? [] : [`${swapEntries} swap entries`]),
  ].join(', ')
  const lines = [field(label, facts)]
  if (count !== undefined && references !== undefined) {
    const parts = Object.entries(references).map(([source, n]) => {
      const weight = source === 'FOLL_PIN' && order === undefined ? ' x 1024' : ''
      return `${n} ${n === 1 ? source.replace(/^mappings$/, 'mapping') : source}${weight}`
    })
    lines.push(field('', `page_count ${count}${parts.length > 0 ? ` = ${parts.join(' + ')}` : ''}`))
  }
  if (mappings !== undefined && mappings.length > 0) {
    const where = mappings.map(({ mm, vpn, entry, huge }) => {
      return `${names.process(mm)} ${names.page(mm, vpn)} ${entry}${huge ? ' huge' : ''}`
    })
    lines.push(field('', `mapped by ${where.join('; ')}`))
  }
  for (const { pin, mm, kind, write } of holders ?? []) {
    lines.push(
      field(
        '',
        `held by ${names.pin(pin)} of ${names.process(mm)} (${kind}${write ? ', write' : ''})`,
      ),
    )
  }
  return lines
}

function field(label: string, text: string): string {
  return wrapped(`${`      ${label}`.padEnd(6 + INDENT)}${text}`, 6 + INDENT)
}

/** Breaks at spaces, and goes on `indent` columns in. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = []
  let rest = text
  while (rest.length > WIDTH) {
    const space = rest.lastIndexOf(' ', WIDTH)
    const cut = space > indent ? space : WIDTH
    lines.push(rest.slice(0, cut))
    rest = `${' '.repeat(indent)}${rest.slice(cut).trimStart()}`
  }
  return [...lines, rest].join('\n')
}
