/**
 * mutants: every copy of a policy file in which one token decides otherwise: a condition dropped, a comparison turned,
 * a constant changed.
 */
import ts from 'typescript'

export interface Mutant {
  readonly line: number
  /** The function or property that the place is in. */
  readonly within: string
  /** The lines that the place is in, before and after, as one line each. */
  readonly before: string
  readonly after: string
  /** The whole file. */
  readonly text: string
}

const COMPARISONS: Partial<Record<ts.SyntaxKind, readonly string[]>> = {
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: ['!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: ['==='],
  [ts.SyntaxKind.GreaterThanToken]: ['>=', '<='],
  [ts.SyntaxKind.GreaterThanEqualsToken]: ['>', '<'],
  [ts.SyntaxKind.LessThanToken]: ['<=', '>='],
  [ts.SyntaxKind.LessThanEqualsToken]: ['<', '>'],
}

/** What a named constant may be mistaken for. */
const CONSTANTS: Readonly<Record<string, string>> = {
  REUSE: 'COPY_REFERENCED',
  REUSE_EXCLUSIVE: 'COPY_REFERENCED',
  REUSE_LARGE: 'COPY_REFERENCED',
  REUSE_FREE_SWAP: 'REUSE',
  COPY_KSM: 'REUSE',
  COPY_MAPPED: 'REUSE',
  COPY_LARGE: 'REUSE_LARGE',
  COPY_SHARED_MM: 'REUSE_LARGE',
  COPY_SWAPCACHE: 'COPY_REFERENCED',
  COPY_LRU_BATCH: 'COPY_REFERENCED',
  COPY_REFERENCED: 'REUSE',
  GUP_UNSHARE: 'GUP_TAKE',
  GUP_TAKE: 'GUP_UNSHARE',
  BEFORE_SWAPCACHE: 'BEFORE_UNMAP',
  AFTER_CLEAR: 'BEFORE_UNMAP',
}

/** Properties of a policy that have no default, and its parameters, whose defaults are mutated one by one. */
const NO_DEFAULT = ['wpReuse', 'hooks', 'params']

const NEGATED = new Set([ts.SyntaxKind.CallExpression, ts.SyntaxKind.Identifier])

export function mutantsOf(text: string): Mutant[] {
  const source = ts.createSourceFile('policy.ts', text, ts.ScriptTarget.ES2023, true)
  const mutants = new Map<string, Mutant>()
  const replace = (node: ts.Node, after: string): void => {
    const start = node.getStart(source)
    const lineStart = text.lastIndexOf('\n', start) + 1
    const lineEnd = text.indexOf('\n', node.end)
    const lines = text.slice(lineStart, start) + after + text.slice(node.end, lineEnd)
    const { line } = source.getLineAndCharacterOfPosition(start)
    const before = oneLine(text.slice(lineStart, lineEnd))
    const changed = text.slice(0, lineStart) + lines + text.slice(lineEnd)
    if (mutants.has(changed)) return
    const mutant = {
      ...{ line: line + 1, within: nameAround(node), before, after: oneLine(lines) },
      text: imported(changed, after),
    }
    mutants.set(changed, mutant)
  }
  const visit = (node: ts.Node): void => {
    if (isDeclaration(node)) return
    mutate(node, source, replace)
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(source, visit)
  return [...mutants.values()]
}

function mutate(
  node: ts.Node,
  source: ts.SourceFile,
  replace: (node: ts.Node, after: string) => void,
): void {
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken
    const [left, right] = [node.left.getText(source), node.right.getText(source)]
    for (const other of COMPARISONS[operator.kind] ?? []) {
      replace(node, `${left} ${other} ${right}`)
    }
    if (operator.kind === ts.SyntaxKind.PlusToken) replace(node, `${left} - ${right}`)
    const logical =
      operator.kind === ts.SyntaxKind.AmpersandAmpersandToken ||
      operator.kind === ts.SyntaxKind.BarBarToken
    if (logical) {
      replace(node, left)
      replace(node, right)
    }
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    replace(node, node.operand.getText(source))
  }
  if (ts.isIfStatement(node)) {
    replace(node, ';')
    negate(node.expression)
  }
  if (ts.isConditionalExpression(node)) {
    replace(node, node.whenTrue.getText(source))
    replace(node, node.whenFalse.getText(source))
    negate(node.condition)
  }
  // A question that is left to its default, where it has one.
  if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.initializer)) {
    if (!NO_DEFAULT.includes(node.name.getText(source))) replace(node, '...{}')
  }
  if (node.kind === ts.SyntaxKind.TrueKeyword) replace(node, 'false')
  if (node.kind === ts.SyntaxKind.FalseKeyword) replace(node, 'true')
  if (ts.isNumericLiteral(node)) {
    replace(node, String(Number(node.text) + 1))
    if (node.text !== '0') replace(node, String(Number(node.text) - 1))
  }
  if (ts.isIdentifier(node) && CONSTANTS[node.text] !== undefined) {
    replace(node, CONSTANTS[node.text] ?? '')
  }

  function negate(condition: ts.Expression): void {
    if (NEGATED.has(condition.kind)) replace(condition, `!${condition.getText(source)}`)
  }
}

function nameAround(node: ts.Node): string {
  const named = ts.isFunctionDeclaration(node) || ts.isPropertyAssignment(node)
  if (named && node.name) return node.name.getText()
  return ts.isSourceFile(node) ? '' : nameAround(node.parent)
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

/** The file with `constant` among what it imports, if that is a constant that it did not need before. */
function imported(text: string, constant: string): string {
  const known = Object.values(CONSTANTS).includes(constant)
  const list = /import \{([^}]*)\} from '[^']*policy\/api\.ts'/.exec(text)?.[1]
  if (!known || list === undefined || new RegExp(`\\b${constant}\\b`).test(list)) return text
  return text.replace(list, ` ${constant},${list}`)
}

/** What says nothing of a decision: imports, types, the texts and the parameters of the declaration. */
function isDeclaration(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return true
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return false
  return ['flag', 'choice', 'int'].includes(node.expression.text)
}
