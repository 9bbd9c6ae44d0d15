/**
 * parse: the text of a .cow file into a LitmusTest: a list of operations with their operands worked out, which every
 * policy then runs without looking at the text again. docs/litmus.md is the language's reference.
 */
import { unknown } from '../params/closest.ts'
import { parseExpectation } from './expect.ts'
import { VERBS } from './language.ts'
import { LitmusError } from './litmus-error.ts'
import { operandsOf } from './operands.ts'
import type { Expectation, LitmusTest, Operation } from './program.ts'
import { Scope } from './scope.ts'

/** Throws LitmusError at the first mistake. `fileName` may be a path: it names the test and stands in errors. */
export function parseLitmus(text: string, fileName: string): LitmusTest {
  const scope = new Scope()
  const operations: Operation[] = []
  let expectations: Expectation[] = []

  text.split(/\r?\n/).forEach((raw, i) => {
    const line = i + 1
    const words = raw.replace(/#.*/, '').trim().split(/\s+/)
    const verb = words[0] ?? ''
    if (verb === '') return
    try {
      if (verb === 'expect' || verb.startsWith('expect[')) {
        const last = operations.at(-1)
        if (last === undefined) throw new RangeError('missing operation: expect comes after one')
        expectations.push(parseExpectation(words.join(' '), line, last))
        return
      }
      expectations = []
      operations.push({
        n: operations.length + 1,
        line,
        text: words.join(' '),
        verb,
        code: codeOf(verb),
        expectations,
        ...operandsOf(scope, verb, words.slice(1)),
      })
    } catch (error) {
      if (error instanceof RangeError) throw new LitmusError(fileName, line, error.message)
      throw error
    }
  })

  return {
    name: testName(fileName),
    file: fileName,
    operations,
    processes: [...scope.processes.keys()],
    pins: scope.allPins.map((pin) => ({
      name: pin.name,
      kind: pin.kind,
      mm: pin.owner.id,
      vpn: pin.area.vpn + pin.first,
      pages: pin.pages,
    })),
  }
}

/** `workloads/litmus/01_fork.cow` is the test `01_fork`. */
export function testName(fileName: string): string {
  const base = fileName.slice(Math.max(fileName.lastIndexOf('/'), fileName.lastIndexOf('\\')) + 1)
  return base.endsWith('.cow') ? base.slice(0, -'.cow'.length) : base
}

function codeOf(verb: string): number {
  const known = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (known !== undefined) return known.code
  throw new RangeError(unknown('operation', verb, [...Object.keys(VERBS), 'expect']))
}
