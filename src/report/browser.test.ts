/** browser.test: report.html in Chromium, from a file, offline, light and dark; skipped with a reason without it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AxeBuilder } from '@axe-core/playwright'
import { type BrowserContext, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeRows } from '../results/rows.ts'
import { matrix, sweep } from '../test/report-rows.ts'
import { writeReport } from './report.ts'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]
const here = existsSync(CHROMIUM)
if (!here) console.log(`browser.test: skipped, there is no ${CHROMIUM}`)

let dir: string
let browser: BrowserContext
beforeAll(async () => {
  if (!here) return
  dir = mkdtempSync(join(tmpdir(), 'cowbench browser-'))
  const swept = sweep().map((row) => ({ ...row, workload: 'swept' }))
  // Three policies have every kind of element; axe takes its time over sixteen.
  const some = ['mapcount', 'mm-id', 'clairvoyant']
  writeRows(
    dir,
    [...matrix(2), ...swept].filter(({ policy }) => some.includes(policy)),
  )
  await writeReport(dir)
  const options = { executablePath: CHROMIUM, headless: true, args: FLAGS }
  browser = await chromium.launchPersistentContext(join(dir, 'profile'), options)
  await browser.setOffline(true)
})
afterAll(async () => {
  if (!here) return
  await browser.close()
  rmSync(dir, { recursive: true, force: true })
})

test.runIf(here)('what is wider than the window scrolls in place, not the page', async () => {
  const page = await browser.newPage()
  await page.setViewportSize({ width: 400, height: 900 })
  await page.goto(pathToFileURL(join(dir, 'report.html')).href)
  await page.locator('.chart svg.marks').nth(4).waitFor()
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(400)
  await page.close()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test.runIf(here)(
    `all charts are drawn, offline and quietly, and pass axe: ${colorScheme}`,
    async () => {
      const page = await browser.newPage()
      const said: string[] = []
      const asked: string[] = []
      page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`))
      page.on('pageerror', (error) => said.push(error.message))
      page.on('request', (request) => asked.push(request.url()))
      await page.emulateMedia({ colorScheme })
      const url = pathToFileURL(join(dir, 'report.html')).href
      await page.goto(url)
      // Five charts: copies, missed-reuses, violations, sweep, time.
      const drawn = page.locator('.chart svg.marks')
      await drawn.nth(4).waitFor()
      const texts = await drawn.allTextContents()
      expect(texts.length).toBe(5)
      expect(texts.every((text) => text.includes('mm-id'))).toBe(true)
      expect(said).toEqual([])
      expect(asked.filter((to) => to !== url && !to.startsWith('data:'))).toEqual([])
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
      await page.close()
    },
    // axe measures the contrast of every cell; on a busy machine that takes a while.
    180_000,
  )
}
