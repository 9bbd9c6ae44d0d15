import { expect, test } from 'vitest'
import { withPlainMembers } from './plain-members.ts'

test('private members become plain ones, in place', () => {
  const code = "class A { #a = '#a'; #b() { return this.#a }\n  c(o) { return o.#b() } } // é #a"
  expect(withPlainMembers(code)).toBe(
    "class A { _a = '#a'; _b() { return this._a }\n  c(o) { return o._b() } } // é #a",
  )
})

test('members that a class might have in common with the one it extends stay private', () => {
  const code =
    'class A { #a = 1; #b = 2 }\nclass B extends A { #a = 3; get a() { return this.#a } }'
  expect(withPlainMembers(code)).toBe(
    'class A { #a = 1; _b = 2 }\nclass B extends A { #a = 3; get a() { return this.#a } }',
  )
})
