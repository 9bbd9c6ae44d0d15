/** package-pages.test: what a page of the package shows or links to is in the package too. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Paths of everything that npm would publish. */
function packed(): string[] {
  const words = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const { stdout } = spawnSync('npm', words, { cwd: ROOT, encoding: 'utf8' })
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
  return files.map(({ path }) => path)
}

/** Paths that a page names as relative links, without their anchors. */
function linksOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => normalize(join(dirname(page), target)))
}

test('no page of the package links to what is not in it', () => {
  const files = packed()
  const pages = files.filter((file) => file.endsWith('.md'))
  expect(pages).toContain('README.md')
  expect(pages).toContain('docs/debates.md')
  const links = pages.flatMap((page) => linksOf(page).map((target) => [page, target] as const))
  expect(links).toContainEqual(['README.md', 'docs/violations.svg'])
  expect(links.filter(([, target]) => !files.includes(target))).toEqual([])
})
