/**
 * mutants: every copy of a policy file in which one token decides otherwise: a condition dropped, a comparison turned,
 * a constant changed.
 */
import ts from 'typescript'

export interface Mutant {
  readonly line: number
  /** The expression before and after. */
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
  COPY_KSM: 'REUSE',
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

export function mutantsOf(text: string): Mutant[] {
  const source = ts.createSourceFile('policy.ts', text, ts.ScriptTarget.ES2023, true)
  const mutants: Mutant[] = []
  const replace = (node: ts.Node, after: string): void => {
    const start = node.getStart(source)
    const changed = text.slice(0, start) + after + text.slice(node.end)
    const { line } = source.getLineAndCharacterOfPosition(start)
    mutants.push({ line: line + 1, before: node.getText(source), after, text: changed })
  }
  const visit = (node: ts.Node): void => {
    if (isDeclaration(node)) return
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken
      const [left, right] = [node.left.getText(source), node.right.getText(source)]
      for (const other of COMPARISONS[operator.kind] ?? []) {
        replace(node, `${left} ${other} ${right}`)
      }
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
    if (ts.isIfStatement(node)) replace(node, ';')
    if (node.kind === ts.SyntaxKind.TrueKeyword) replace(node, 'false')
    if (node.kind === ts.SyntaxKind.FalseKeyword) replace(node, 'true')
    if (ts.isNumericLiteral(node)) replace(node, String(Number(node.text) + 1))
    if (ts.isIdentifier(node) && CONSTANTS[node.text] !== undefined) {
      replace(node, CONSTANTS[node.text] ?? '')
    }
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(source, visit)
  return mutants
}

/** What says nothing of a decision: imports, types, the texts and the parameters of the declaration. */
function isDeclaration(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return true
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return false
  return ['flag', 'choice', 'int'].includes(node.expression.text)
}
