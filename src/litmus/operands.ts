/**
 * operands: what each operation of the .cow language takes, checked against the names in scope, and the machine's
 * operands worked out of it. Mistakes are RangeErrors; parse.ts puts the file and the line before them.
 */

import { unknown } from '../params/closest.ts'
import { MADV_DONTFORK, OP_FORK, PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import { SETTINGS, type Setting } from '../trace/settings.ts'
import { STEP_NEXT } from '../trace/steps.ts'
import {
  ADVICE,
  AREA_KINDS,
  PIN_KINDS,
  PROTECTIONS,
  STEPPED,
  STEPS,
  SWITCH,
  UFFD_ANSWERS,
  UFFD_MODES,
  VERBS,
} from './language.ts'
import type { Operands } from './program.ts'
import type { Area, Pin, Process, Scope } from './scope.ts'

/** Longest area, in pages: 4 GiB. */
const MAX_PAGES = 1 << 20
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const RANGE = /^([A-Za-z_][A-Za-z0-9_]*)(?:\[([0-9]+)(?:\.\.([0-9]+))?\])?$/

const NONE: Operands = {
  mm: 0,
  vpn: -1,
  first: 0,
  pages: 0,
  value: 0,
  pin: -1,
  map: 0,
  folioOrder: 0,
  object: 0,
  area: '',
  task: -1,
  held: 0,
  until: 0,
}

/** Operands of `verb`, and its effect on the names in scope. Throws RangeError for a mistake. */
export function operandsOf(scope: Scope, verb: string, args: readonly string[]): Operands {
  if (verb === 'begin') return begin(scope, args)
  const usage = VERBS[verb]?.usage ?? verb
  const least = usage.split(' ').filter((word) => !word.startsWith('[')).length - 1
  const most = usage.split(' ').length - 1
  if (args.length < least || args.length > most) {
    const what = args.length < least ? 'missing operand' : `unknown operand: ${args[most]}`
    throw new RangeError(`${what}; expected: ${usage}`)
  }
  const [first = '', second = '', third = '', fourth = ''] = args

  switch (verb) {
    case 'step': {
      const held = scope.tasks.get(first)
      if (held === undefined) throw unknownName('task', first, [...scope.tasks.keys()])
      return { ...held, until: second === '' ? STEP_NEXT : choice('step', second, STEPS) }
    }
    case 'ksmwait':
    case 'writebackend':
    case 'drain':
    case 'events':
      return NONE
    case 'set':
      return setting(first, second)
    case 'spawn':
      newProcess(scope, first)
      return { ...NONE, mm: scope.spawn(first).id }
    case 'fork': {
      const parent = process(scope, first)
      newProcess(scope, second)
      return { ...NONE, mm: parent.id, value: scope.fork(parent, second).id }
    }
    case 'exit':
    case 'exec': {
      const leaving = process(scope, first)
      scope[verb](leaving)
      return { ...NONE, mm: leaving.id }
    }
    case 'mmap':
      return mmap(scope, process(scope, first), second, third, fourth)
    case 'clearrefs':
      if (second !== '4')
        throw new RangeError(`unsupported clear_refs value: ${second}; expected: 4`)
      return { ...NONE, mm: process(scope, first).id, value: 4 }
    case 'unpin': {
      const pin = heldPin(scope, first)
      pin.held = false
      return { ...NONE, mm: pin.owner.id, pin: pin.id }
    }
    case 'devread':
    case 'devwrite': {
      const { name, from, to } = range(first)
      const pin = heldPin(scope, name)
      const { first: index, pages } = within(`pin ${name}`, pin.pages, first, from, to)
      return { ...NONE, mm: pin.owner.id, pin: pin.id, first: index, pages }
    }
    default:
      return pagesOf(scope, verb, process(scope, first), second, third, fourth)
  }
}

/** An operation that is held under a name. Its names count from here on; what it does, it does step by step. */
function begin(scope: Scope, [name = '', verb = '', ...args]: readonly string[]): Operands {
  if (verb === '') throw new RangeError(`missing operand; expected: ${VERBS['begin']?.usage}`)
  newName('task', name)
  if (scope.tasks.has(name)) throw new RangeError(`duplicate task: ${name}`)
  if (!STEPPED.includes(verb)) throw unknownName('operation in steps', verb, STEPPED)
  const held = VERBS[verb]?.code ?? 0
  const operands = operandsOf(scope, verb, args)
  if (held !== OP_FORK && operands.pages !== 1) {
    throw new RangeError(`invalid range: ${args[1]}; expected one page`)
  }
  const pin = scope.allPins[operands.pin]
  if (pin !== undefined) pin.inSteps = true
  const task = { ...operands, task: scope.tasks.size, held }
  scope.tasks.set(name, task)
  return task
}

/** Operations on pages of an area. */
function pagesOf(
  scope: Scope,
  verb: string,
  owner: Process,
  pagesText: string,
  third: string,
  fourth: string,
): Operands {
  const { name, from, to } = range(pagesText)
  const area = areaOf(owner, name)
  const { first, pages } = within(`area ${name}`, area.state.length, pagesText, from, to)
  const vpn = area.vpn + first
  const at = { ...NONE, mm: owner.id, vpn, first, pages, area: name }

  switch (verb) {
    case 'munmap':
      scope.unmap(area, first, pages)
      return at
    case 'mprotect':
      return { ...at, value: choice('protection', third, PROTECTIONS) }
    case 'madvise': {
      const advice = choice('advice', third, ADVICE)
      if (advice === MADV_DONTFORK) scope.dontfork(area, first, pages)
      return { ...at, value: advice }
    }
    case 'uffdwp':
      return { ...at, value: choice('switch', third, SWITCH) }
    case 'uffdregister':
      return { ...at, value: modes(third) }
    case 'uffdresolve':
      return { ...at, value: choice('answer', third, UFFD_ANSWERS) }
    case 'mremap': {
      newName('area', third)
      if (!scope.isFree(owner, third)) throw new RangeError(`duplicate area: ${third}`)
      scope.unmap(area, first, pages)
      return { ...at, value: scope.map(owner, third, pages, area.folioOrder).vpn }
    }
    case 'pin':
      return pin(scope, owner, area, at, third, fourth)
    case 'poke':
      if (pages !== 1) throw new RangeError(`invalid range: ${pagesText}; expected one page`)
      return at
    case 'writesame':
      return { ...at, value: scope.newContent() }
    default:
      return at
  }
}

function mmap(
  scope: Scope,
  owner: Process,
  name: string,
  pagesText: string,
  kindText: string,
): Operands {
  newName('area', name)
  if (!scope.isFree(owner, name)) throw new RangeError(`duplicate area: ${name}`)
  const pages = /^[0-9]+$/.test(pagesText) ? Number(pagesText) : 0
  if (pages < 1 || pages > MAX_PAGES) {
    throw new RangeError(`invalid page count: ${pagesText}; expected 1 to ${MAX_PAGES}`)
  }
  const { map, folioOrder } = choice('area kind', kindText, AREA_KINDS)
  const area = scope.map(owner, name, pages, folioOrder)
  return {
    ...NONE,
    mm: owner.id,
    vpn: area.vpn,
    pages,
    value: PROT_READ | PROT_WRITE,
    map,
    folioOrder,
    object: scope.newObject(),
    area: name,
  }
}

function pin(
  scope: Scope,
  owner: Process,
  area: Area,
  at: Operands,
  name: string,
  kindText: string,
): Operands {
  newName('pin', name)
  if (scope.pins.get(name)?.held) throw new RangeError(`duplicate pin: ${name}`)
  const kind = choice('pin kind', kindText, PIN_KINDS)
  return {
    ...at,
    value: kind,
    pin: scope.pin(name, owner, area, at.first, at.pages, kind).id,
  }
}

/** `first` is the setting, by SET_*. */
function setting(name: string, text: string): Operands {
  const index = SETTINGS.findIndex((known) => known.name === name)
  const known = SETTINGS[index]
  if (known === undefined) {
    throw unknownName(
      'setting',
      name,
      SETTINGS.map((other) => other.name),
    )
  }
  return { ...NONE, first: index, value: settingValue(known, text) }
}

function settingValue({ name, words, max }: Setting, text: string): number {
  if (words !== undefined) {
    const value = words.indexOf(text)
    if (value < 0) throw unknownName(name, text, words)
    return value
  }
  const value = /^[0-9]+$/.test(text) ? Number(text) : -1
  if (value < 0 || value > max)
    throw new RangeError(`invalid ${name}: ${text}; expected 0 to ${max}`)
  return value
}

function modes(text: string): number {
  return text.split('+').reduce((bits, mode) => bits | choice('mode', mode, UFFD_MODES), 0)
}

function newName(what: string, name: string): void {
  if (!NAME.test(name)) {
    throw new RangeError(`invalid ${what}: ${name}; expected letters, digits and _`)
  }
}

function newProcess(scope: Scope, name: string): void {
  newName('process', name)
  if (scope.processes.has(name)) throw new RangeError(`duplicate process: ${name}`)
}

function process(scope: Scope, name: string): Process {
  const found = scope.processes.get(name)
  const alive = [...scope.processes.values()].filter((p) => p.alive).map((p) => p.name)
  if (found === undefined) throw unknownName('process', name, alive)
  if (!found.alive) throw new RangeError(`invalid process: ${name} has exited`)
  return found
}

function areaOf(owner: Process, name: string): Area {
  const area = owner.areas.get(name)
  if (area === undefined) throw unknownName('area', name, [...owner.areas.keys()])
  return area
}

function heldPin(scope: Scope, name: string): Pin {
  const pin = scope.pins.get(name)
  if (pin === undefined) throw unknownName('pin', name, [...scope.pins.keys()])
  if (!pin.held && !pin.inSteps) throw new RangeError(`invalid pin: ${name} has been dropped`)
  return pin
}

function range(text: string): { name: string; from: string | undefined; to: string | undefined } {
  const match = RANGE.exec(text)
  const name = match?.[1]
  if (name === undefined)
    throw new RangeError(`invalid range: ${text}; expected NAME[i] or NAME[i..j]`)
  return { name, from: match?.[2], to: match?.[3] }
}

function within(
  what: string,
  size: number,
  text: string,
  from: string | undefined,
  to: string | undefined,
): { first: number; pages: number } {
  if (from === undefined) return { first: 0, pages: size }
  const first = Number(from)
  const last = Number(to ?? from)
  if (last < first) throw new RangeError(`invalid range: ${text}; expected the lower page first`)
  if (last >= size) throw new RangeError(`invalid range: ${text}; ${what} has pages 0..${size - 1}`)
  return { first, pages: last - first + 1 }
}

function choice<T>(what: string, text: string, table: Readonly<Record<string, T>>): T {
  const found = Object.hasOwn(table, text) ? table[text] : undefined
  if (found === undefined)
    throw unknownName(
      what,
      text,
      Object.keys(table).filter((k) => k !== ''),
    )
  return found
}

function unknownName(what: string, name: string, available: readonly string[]): RangeError {
  return new RangeError(unknown(what, name, available))
}
