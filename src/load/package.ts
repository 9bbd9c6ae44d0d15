/** package: where this program is installed, which version it is, and a hash of everything in it that decides a row. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds src, policies and workloads as they run: the repository, or its dist. */
const CODE_ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The folder of package.json, and of the files that are not code. */
export function packageRoot(): string {
  let dir = CODE_ROOT
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir)
  return dir
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
  return version
}

/** What decides a row, by its path: not results, reports, the command line. The build makes one module of it. */
export const DECIDES: RegExp =
  /^(policies|workloads|src\/(trace|state|params|policy|workload|stream|sim|oracle))\/|^src\/(run|chunks\/model)\./

/** Hash of the code that rows depend on: two programs with one hash write the same rows. */
export function codeHash(root = CODE_ROOT): string {
  const hash = createHash('sha256')
  for (const folder of ['policies', 'src', 'workloads'].map((name) => join(root, name))) {
    // The build has all of them in src.
    for (const file of existsSync(folder) ? codeFiles(folder) : []) {
      const name = relative(root, file).split(sep).join('/')
      if (DECIDES.test(name)) hash.update(`${name}\0`).update(readFileSync(file)).update('\0')
    }
  }
  return hash.digest('hex').slice(0, 16)
}

function codeFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[jt]s$/.test(file) && !/\.(d|test|soak)\.ts$/.test(file))
    .sort()
    .map((file) => join(folder, file))
}

/** The git commit that this program was built from, `-dirty` if files differ; empty if it is no checkout. */
export function gitCommit(): string {
  const root = packageRoot()
  if (!existsSync(join(root, '.git'))) return ''
  try {
    const args = ['describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return ''
  }
}
