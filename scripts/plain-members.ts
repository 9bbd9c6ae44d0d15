/**
 * plain-members: a plug-in of the build: in one chunk of the program, members that the source keeps private with # become
 * plain properties. Until V8 has optimised a function it looks private names up by a slower way than others, and checks
 * for every private method whether the object is of its class; a short run spends much of its time in such code.
 *
 * One character takes the place of another, so that the source map stays right.
 */
import type { Plugin } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'

interface Node {
  readonly type: string
  readonly start: number
  readonly name?: string
  readonly superClass?: Node | null
}

export function plainMembers(chunkName: string): Plugin {
  return {
    name: 'plain-members',
    renderChunk(code, chunk) {
      return chunk.name === chunkName ? { code: withPlainMembers(code), map: null } : null
    },
  }
}

/** What a class shares a name for with the one that it extends has to stay private. */
export function withPlainMembers(code: string): string {
  const members: Node[] = []
  const inherits = new Set<string | undefined>()
  visit(parseAst(code), false, (member, extended) => {
    members.push(member)
    if (extended) inherits.add(member.name)
  })
  const chars = code.split('')
  for (const { start, name } of members) {
    if (chars[start] !== '#') throw new Error(`expected a private name at ${start}: ${name}`)
    if (!inherits.has(name)) chars[start] = '_'
  }
  return chars.join('')
}

function visit(
  node: unknown,
  extended: boolean,
  found: (member: Node, extended: boolean) => void,
): void {
  if (Array.isArray(node)) {
    for (const child of node) visit(child, extended, found)
  } else if (isNode(node)) {
    if (node.type === 'PrivateIdentifier') found(node, extended)
    const below = extended || (node.superClass ?? null) !== null
    for (const child of Object.values(node)) visit(child, below, found)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value
}
