/**
 * check-layers: holds the import rules of .dependency-cruiser.mjs and the purity of the layers marked pure there.
 *
 * Usage: jiti scripts/check-layers.ts [ROOT]. Exit code 1 on any breach.
 *
 * Two ways to pass by seeing nothing are closed: dependency-cruiser calls 0 modules a success when it cannot read
 * TypeScript, so every .ts file on disk must be among the modules it saw; and there must be at least one.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const HOME = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const CONFIG = join(HOME, '.dependency-cruiser.mjs')
const CRUISER = join(HOME, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
const FOLDERS = ['src', 'policies', 'workloads']

/** Names that reach the clock, chance, the outside world or the locale. */
const IMPURE = new Set(
  `Date performance process console globalThis global Buffer crypto fetch require eval Function Intl Temporal
   setTimeout setInterval setImmediate queueMicrotask WeakRef FinalizationRegistry`.split(/\s+/),
)

/** The rest of Math may differ in its last bit between engines, or is chance. */
const EXACT_MATH = new Set(
  'abs ceil clz32 floor fround imul max min round sign sqrt trunc'.split(' '),
)

const isTest = (file: string) => /(\.test|\.soak)\.ts$|^src\/test\//.test(file)

interface Cruise {
  modules: { source: string }[]
  summary: { violations: { from: string; to: string; rule: { name: string } }[] }
}

interface Config {
  PURE: string[]
  default: { forbidden: { name: string; comment?: string }[] }
}

function sources(root: string): string[] {
  return FOLDERS.filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}

function layerBreaches(root: string, files: string[]): string[] {
  const folders = FOLDERS.filter((folder) => files.some((file) => file.startsWith(`${folder}/`)))
  const run = spawnSync(
    process.execPath,
    [CRUISER, '--config', CONFIG, '--output-type', 'json', ...folders],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  if (!run.stdout) throw new Error(`dependency-cruiser printed nothing: ${run.error ?? run.stderr}`)
  const { modules, summary } = JSON.parse(run.stdout) as Cruise

  const seen = new Set(modules.map((module) => module.source))
  const unseen = files.filter((file) => !seen.has(file))
  return [
    ...unseen.map((file) => `${file}: dependency-cruiser did not read it`),
    ...summary.violations.map(
      ({ from, to, rule }) => `${from}: imports ${to} (${reasons.get(rule.name) ?? rule.name})`,
    ),
  ]
}

function purityBreaches(root: string, files: string[]): string[] {
  const program = ts.createProgram({
    rootNames: files.map((file) => join(root, file)),
    // Without a library every global is unresolved, and what does resolve is the file's own: a variable named
    // `process` is no breach.
    options: { noLib: true, noResolve: true, types: [], target: ts.ScriptTarget.ES2023 },
  })
  const checker = program.getTypeChecker()
  const breaches: string[] = []

  for (const file of files) {
    const source = program.getSourceFile(join(root, file))
    if (!source) throw new Error(`typescript did not read ${file}`)
    const report = (node: ts.Node, what: string) => {
      const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source))
      breaches.push(`${file}:${line + 1}:${character + 1}: ${what} in a pure layer`)
    }
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node) && isGlobal(checker, node)) {
        if (IMPURE.has(node.text)) report(node, node.text)
        if (node.text === 'Math') {
          const name = memberOf(node)
          if (name === undefined) report(node, 'Math, but not as Math.name,')
          else if (!EXACT_MATH.has(name)) report(node, `Math.${name}`)
        }
      }
      if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword)
        report(node, 'import.meta')
      if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
        report(node, 'import()')
      if (isInexactPower(node)) report(node, '** of a variable')
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return breaches
}

/** Does this identifier stand for something that the file did not declare or import? */
function isGlobal(checker: ts.TypeChecker, node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false
  if (ts.isQualifiedName(parent) && parent.right === node) return false
  if (ts.isBindingElement(parent) && parent.propertyName === node) return false
  const symbol = ts.isShorthandPropertyAssignment(parent)
    ? checker.getShorthandAssignmentValueSymbol(parent)
    : checker.getSymbolAtLocation(node)
  return !symbol?.declarations?.length
}

function memberOf(math: ts.Identifier): string | undefined {
  const { parent } = math
  return ts.isPropertyAccessExpression(parent) && parent.expression === math
    ? parent.name.text
    : undefined
}

/** `2 ** 20` is written by hand and exact; a power of variables is Math.pow. */
function isInexactPower(node: ts.Node): boolean {
  if (!ts.isBinaryExpression(node)) return false
  const operator = node.operatorToken.kind
  if (operator === ts.SyntaxKind.AsteriskAsteriskEqualsToken) return true
  if (operator !== ts.SyntaxKind.AsteriskAsteriskToken) return false
  return !(ts.isNumericLiteral(node.left) && ts.isNumericLiteral(node.right))
}

const root = resolve(process.argv[2] ?? HOME)
const config = (await import(pathToFileURL(CONFIG).href)) as Config
const reasons = new Map(config.default.forbidden.map(({ name, comment }) => [name, comment]))
const files = sources(root)
const pure = files.filter(
  (file) =>
    !isTest(file) &&
    config.PURE.some((layer) => file === `${layer}.ts` || file.startsWith(`${layer}/`)),
)
if (files.length === 0) {
  console.error(`layers: no modules in ${FOLDERS.join(', ')} of ${root}`)
  process.exit(1)
}
const breaches = [...layerBreaches(root, files), ...purityBreaches(root, pure)]
for (const breach of breaches) console.error(breach)
console.log(
  `layers: ${files.length} modules, ${pure.length} of them pure, ${breaches.length} breaches`,
)
process.exitCode = breaches.length > 0 ? 1 : 0
