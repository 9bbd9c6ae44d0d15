/**
 * actions: what can happen in a small world, as data: the operation, on whom, and how a .cow file says it.
 */
import { GOES_ON, OK } from '../sim/answers.ts'
import {
  MADV_COLLAPSE,
  MADV_DONTNEED,
  MADV_FREE,
  OP_BEGIN,
  OP_CLEAR_REFS,
  OP_DEVWRITE,
  OP_DRAIN,
  OP_EXIT,
  OP_FORK,
  OP_KSM_WAIT,
  OP_LOAD,
  OP_MADVISE,
  OP_MPROTECT,
  OP_MUNMAP,
  OP_PIN,
  OP_POKE,
  OP_STEP,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UFFD_WP,
  OP_UNPIN,
  OP_WRITEBACK,
  OP_WRITEBACK_END,
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_LABELS,
  PIN_ODIRECT,
  PIN_ROPIN,
  PIN_VMSPLICE,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'
import { STEP_NEXT } from '../trace/steps.ts'
import type { World } from './world.ts'

export interface Action {
  /** OP_*. */
  readonly op: number
  /** Process, by number; of unpin and devwrite, the pin; of step, the task. */
  readonly who: number
  readonly vpn: number
  readonly pages: number
  /** PROT_*, MADV_*, PIN_*, on or off; of begin, the operation. */
  readonly value: number
  /** Of begin: PIN_*, where the operation is a pin. */
  readonly kind?: number
  /** Also where any policy loses what is stored (unsafe()). */
  readonly anyway?: boolean
  /** As in the .cow language, with `{}` for the process, pin or task, `$` for a new process or pin, `%` for a new task. */
  readonly text: string
}

/** A part of the area: one page, or all of it. */
export interface Part {
  readonly vpn: number
  readonly pages: number
  readonly text: string
}

/** In the order in which they are tried. */
export const PIN_NAMES: Readonly<Record<string, number>> = Object.fromEntries(
  [PIN_VMSPLICE, PIN_ODIRECT, PIN_ROPIN, PIN_DMAPIN, PIN_IOURING].map((kind) => [
    PIN_LABELS[kind],
    kind,
  ]),
)

const RW = PROT_READ | PROT_WRITE

/** What a word of a model's alphabet stands for. */
type Meaning = Pick<Action, 'op' | 'value' | 'text' | 'anyway'>

/** By the word. */
const ON_PART: Readonly<Record<string, Meaning>> = {
  write: { op: OP_STORE, value: 0, text: 'write {} @' },
  same: { op: OP_STORE_SAME, value: 0, text: 'writesame {} @' },
  read: { op: OP_LOAD, value: 0, text: 'read {} @' },
  poke: { op: OP_POKE, value: 0, text: 'poke {} @' },
  munmap: { op: OP_MUNMAP, value: 0, text: 'munmap {} @' },
  ro: { op: OP_MPROTECT, value: PROT_READ, text: 'mprotect {} @ ro' },
  rw: { op: OP_MPROTECT, value: RW, text: 'mprotect {} @ rw' },
  dontneed: { op: OP_MADVISE, value: MADV_DONTNEED, text: 'madvise {} @ dontneed' },
  free: { op: OP_MADVISE, value: MADV_FREE, text: 'madvise {} @ free' },
  'free anyway': { op: OP_MADVISE, value: MADV_FREE, text: 'madvise {} @ free', anyway: true },
  collapse: { op: OP_MADVISE, value: MADV_COLLAPSE, text: 'madvise {} @ collapse' },
  swapout: { op: OP_SWAPOUT, value: 0, text: 'swapout {} @' },
  writeback: { op: OP_WRITEBACK, value: 0, text: 'writeback {} @' },
  uffdwp: { op: OP_UFFD_WP, value: 1, text: 'uffdwp {} @ on' },
  resolve: { op: OP_UFFD_WP, value: 0, text: 'uffdwp {} @ off' },
  ...Object.fromEntries(
    Object.entries(PIN_NAMES).map(([kind, value]) => [
      kind,
      { op: OP_PIN, value, text: `pin {} @ $ ${kind}` },
    ]),
  ),
}

const OF_PROCESS: Readonly<Record<string, Meaning>> = {
  fork: { op: OP_FORK, value: 0, text: 'fork {} $' },
  exit: { op: OP_EXIT, value: 0, text: 'exit {}' },
  clearrefs: { op: OP_CLEAR_REFS, value: 4, text: 'clearrefs {} 4' },
}

/** Nobody's in particular. */
const OF_ALL: Readonly<Record<string, number>> = {
  drain: OP_DRAIN,
  writebackend: OP_WRITEBACK_END,
  ksmwait: OP_KSM_WAIT,
}

const OF_PIN: Readonly<Record<string, Meaning>> = {
  unpin: { op: OP_UNPIN, value: 0, text: 'unpin {}' },
  devwrite: { op: OP_DEVWRITE, value: 0, text: 'devwrite {}' },
  'devwrite anyway': { op: OP_DEVWRITE, value: 0, text: 'devwrite {}', anyway: true },
}

/** By what begins: the operation that is taken through its steps. */
const BEGIN: Readonly<Record<string, { value: number; kind?: number; text: string }>> = {
  fork: { value: OP_FORK, text: 'fork {} $' },
  write: { value: OP_STORE, text: 'write {} @' },
  swapout: { value: OP_SWAPOUT, text: 'swapout {} @' },
  vmsplice: { value: OP_PIN, kind: PIN_VMSPLICE, text: 'pin {} @ $ vmsplice' },
  odirect: { value: OP_PIN, kind: PIN_ODIRECT, text: 'pin {} @ $ odirect' },
  dmapin: { value: OP_PIN, kind: PIN_DMAPIN, text: 'pin {} @ $ dmapin' },
}

/** Operations that are taken through their steps at a time. */
const MOST_TASKS = 2

/** Every action of a word: for each process or pin, and each of the parts that it can be done to. */
export function actionsOf(
  word: string,
  parts: readonly Part[],
  processes: number,
  pins: number,
): Action[] {
  const ofAll = OF_ALL[word]
  if (ofAll !== undefined) return [{ op: ofAll, who: 0, vpn: 0, pages: 0, value: 0, text: word }]
  if (word === 'step') {
    return numbers(MOST_TASKS).map((who) => ({
      ...{ op: OP_STEP, who, vpn: 0, pages: 0, value: STEP_NEXT, text: 'step {}' },
    }))
  }
  const begun = word.startsWith('begin ') ? BEGIN[word.slice('begin '.length)] : undefined
  if (begun !== undefined) {
    return numbers(processes).flatMap((who) =>
      parts.map(({ vpn, pages, text }) => ({
        ...{ ...begun, op: OP_BEGIN, who, vpn, pages },
        text: `begin % ${begun.text.replace('@', text)}`,
      })),
    )
  }
  const ofPin = OF_PIN[word]
  if (ofPin !== undefined) return numbers(pins).map((who) => ({ ...ofPin, who, vpn: 0, pages: 0 }))
  const ofProcess = OF_PROCESS[word]
  if (ofProcess !== undefined) {
    return numbers(processes).map((who) => ({ ...ofProcess, who, vpn: 0, pages: 0 }))
  }
  const onPart = ON_PART[word]
  if (onPart === undefined) throw new RangeError(`broken model: no action ${word}`)
  return numbers(processes).flatMap((who) =>
    parts.map(({ vpn, pages, text }) => ({
      ...{ ...onPart, who, vpn, pages, text: onPart.text.replace('@', text) },
    })),
  )
}

/** Can it be done, and would a .cow file that does it be accepted? */
export function enabled(world: World, action: Action, processes: number, pins: number): boolean {
  const { k } = world.machine
  if (action.anyway !== true && unsafe(world, action)) return false
  switch (action.op) {
    case OP_DRAIN:
    case OP_KSM_WAIT:
      return true
    case OP_WRITEBACK_END:
      return world.machine.underWriteback.size > 0
    case OP_STEP:
      return action.who < world.machine.tasks.length
    case OP_BEGIN:
      if (world.machine.tasks.length === MOST_TASKS) return false
      return enabled(
        world,
        { ...action, op: action.value, value: action.kind ?? 0 },
        processes,
        pins,
      )
    case OP_UNPIN:
      return k.pins.has(action.who)
    case OP_DEVWRITE:
      return k.pins.get(action.who)?.write === true
    case OP_FORK:
      return k.mms[action.who] !== undefined && nextChild(world) < processes
    case OP_EXIT:
      return k.mms[action.who] !== undefined && k.mms.length > 1
    case OP_CLEAR_REFS:
      return k.mms[action.who] !== undefined && world.machine.era.softDirty
    case OP_UFFD_WP:
      if (!world.machine.era.uffdWp || !mapped(world, action, 0)) return false
      // Only what is registered can be un-protected.
      return action.value === 1 || world.mm(action.who)?.find(action.vpn)?.uffdWp === true
    case OP_PIN:
      return nextPin(world) < pins && mapped(world, action, writes(action.value) ? PROT_WRITE : 0)
    case OP_STORE:
    case OP_STORE_SAME:
      return mapped(world, action, PROT_WRITE)
    default:
      return mapped(world, action, 0)
  }
}

/**
 * Is what somebody stored lost after it under any policy? By MADV_FREE of a page that another process maps too, which
 * reclaim may drop from both (docs/findings.md); or where the device's store is (Truth.forsaken()).
 */
function unsafe(world: World, { op, who, vpn, value }: Action): boolean {
  if (op === OP_DEVWRITE) return world.truth.forsaken(who)
  return op === OP_MADVISE && value === MADV_FREE && world.sharesPage(who, vpn)
}

/**
 * Does it. Returns OK, or what the machine answers instead. A new process or pin gets the next number of a world that
 * was just restored, unless there is another one for it.
 */
export function act(
  world: World,
  { op, who, vpn, pages, value, kind }: Action,
  child = nextChild(world),
  pin = nextPin(world),
  task = world.machine.tasks.length,
): number {
  switch (op) {
    case OP_BEGIN: {
      const first = value === OP_FORK ? child : vpn
      return world.apply(op, who, task, value, first, kind ?? 0, pin)
    }
    case OP_STEP: {
      const answer = world.apply(op, 0, who, value, 0, 0)
      return answer === GOES_ON ? OK : answer
    }
    case OP_FORK:
      return world.apply(op, who, child, 0, 0, 0)
    case OP_PIN:
      return world.apply(op, who, vpn, 1, value, pin)
    case OP_UNPIN:
      return world.apply(op, 0, who, 0, 0, 0)
    case OP_DEVWRITE:
      return world.apply(op, 0, who, 0, 0, 0)
    case OP_STORE_SAME:
      return world.storeSame(who, vpn, pages)
    case OP_CLEAR_REFS:
      return world.apply(op, who, value, 0, 0, 0)
    default:
      return world.apply(op, who, vpn, pages, value, 0)
  }
}

/** Numbers that nobody has; what has begun has its own already. */
function nextChild(world: World): number {
  const { k, tasks } = world.machine
  if (tasks.length === 0) return k.mms.length
  const unborn = tasks.filter(({ op, operand }) => op === OP_FORK && k.mms[operand] === undefined)
  return k.mms.length + unborn.length
}

function nextPin(world: World): number {
  const { k, tasks } = world.machine
  if (tasks.length === 0) return k.pins.size
  return k.pins.size + tasks.filter(({ op, pin }) => op === OP_PIN && !k.pins.has(pin)).length
}

function writes(kind: number): boolean {
  return kind !== PIN_VMSPLICE && kind !== PIN_ROPIN
}

function mapped(world: World, { who, vpn, pages }: Action, prot: number): boolean {
  const mm = world.mm(who)
  if (mm === undefined) return false
  for (const vma of mm.vmas) {
    if (vma.end <= vpn || vma.start >= vpn + pages) continue
    if ((vma.prot & prot) !== prot) return false
    if (vma.start > vpn) return false
    if (vma.end >= vpn + pages) return true
    return restMapped(world, who, vma.end, vpn + pages, prot)
  }
  return false
}

function restMapped(world: World, who: number, from: number, end: number, prot: number): boolean {
  for (let vpn = from; vpn < end; vpn++) {
    const vma = world.mm(who)?.find(vpn)
    if (vma === undefined || (vma.prot & prot) !== prot) return false
  }
  return true
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
