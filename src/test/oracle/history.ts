/** history: random sequences of operations for the kernel of real frames, and how they are played. */
import fc from 'fast-check'
import { SITE_SWAPIN, SITE_WP } from '../../policy/verdict.ts'
import { HOLD_PIN_WRITE } from '../../trace/observed.ts'
import { type Answers, AWAY, FrameKernel, MOST_PROCESSES, PAGES } from './kernel.ts'

/** One step; `who` and `what` choose among the processes and pins that exist. */
export interface Step {
  readonly op: string
  readonly who: number
  readonly vpn: number
  readonly what: number
}

type Operation = (kernel: FrameKernel, mm: number, step: Step) => void

/** `pages` pages at `vpn`, or what there is of them. */
const upTo = (pages: number, vpn: number): number => Math.min(pages, PAGES - vpn)

const OPERATIONS: Readonly<Record<string, Operation>> = {
  store: (kernel, mm, { vpn, what }) => kernel.store(mm, vpn, what % 2 ? SITE_WP : SITE_SWAPIN),
  storeAway: (kernel, mm, { vpn }) => {
    if (kernel.memory.process(mm).pages.has(AWAY + vpn)) kernel.store(mm, AWAY + vpn, SITE_WP)
  },
  storeSame: (kernel, mm, { vpn }) => kernel.storeSame(mm, [vpn, (vpn + 1) % PAGES]),
  prefault: (kernel, mm, { vpn }) => kernel.prefault(mm, vpn),
  fill: (kernel, mm) => kernel.fill(mm),
  huge: (kernel, mm) => kernel.hugeFault(mm),
  wrprotect: (kernel, mm) => kernel.wrprotect(mm),
  fork: (kernel, mm) => kernel.fork(mm),
  exit: (kernel, mm) => kernel.exit(mm),
  exec: (kernel, mm) => kernel.exec(mm),
  dontneed: (kernel, mm, { vpn }) => kernel.dontneed(mm, vpn, upTo(2, vpn)),
  munmap: (kernel, mm, { vpn }) => kernel.munmap(mm, vpn, upTo(3, vpn)),
  mremap: (kernel, mm, { vpn, what }) =>
    kernel.mremap(mm, what % 2 ? vpn : AWAY + vpn, upTo(2, vpn)),
  pin: (kernel, mm, { vpn, what }) =>
    kernel.pin(mm, vpn, upTo(2, vpn), what % (HOLD_PIN_WRITE + 1)),
  unpin: (kernel, _, { what }) => withPin(kernel, what, (id) => kernel.unpin(id)),
  devwrite: (kernel, _, { vpn, what }) =>
    withPin(kernel, what, (id) => kernel.devwrite(id, vpn % 2)),
  ksm: (kernel, mm, { what }) => kernel.ksm(what % 2 ? mm : undefined),
  collapse: (kernel, mm) => kernel.collapse(mm),
}

function withPin(kernel: FrameKernel, what: number, act: (id: number) => void): void {
  const ids = [...kernel.memory.pins.keys()]
  const id = ids[what % Math.max(1, ids.length)]
  if (id !== undefined) act(id)
}

export const histories: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    op: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('store', 'store', 'store', 'fork', 'wrprotect') },
      { weight: 5, arbitrary: fc.constantFrom(...Object.keys(OPERATIONS)) },
    ),
    who: fc.nat(MOST_PROCESSES - 1),
    vpn: fc.nat(PAGES - 1),
    what: fc.nat(7),
  }),
  { maxLength: 60, size: 'max' },
)

/** The policy's answers, one after the other and over again. */
export const anyAnswers: fc.Arbitrary<Answers> = fc.array(fc.boolean(), {
  minLength: 1,
  maxLength: 20,
})

/** Plays the history and compares everything after every step; returns what the oracle counted in the end. */
export function play(answers: Answers, history: readonly Step[]) {
  const kernel = new FrameKernel(answers)
  for (const [event, step] of history.entries()) {
    kernel.oracle.event = event
    const alive = [...kernel.memory.processes.keys()]
    const mm = alive[step.who % alive.length] ?? 0
    OPERATIONS[step.op]?.(kernel, mm, step)
    kernel.compare()
  }
  kernel.finish()
  return kernel.oracle.counts
}
