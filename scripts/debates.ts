/**
 * Debates: makes the tables and pictures of docs/debates.md again by running its commands. `npm run debates`, after a
 * change that is meant to move them; the page's own words are then to be read again.
 *
 * Usage: jiti scripts/debates.ts [NAME...]: only the outputs of runs with these names
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renewed } from './debates/page.ts'
import { pictureOf } from './picture.ts'

const docs = fileURLToPath(new URL('../docs/', import.meta.url))
const page = join(docs, 'debates.md')
const names = process.argv.slice(2)
const made = mkdtempSync(join(tmpdir(), 'cowbench-debates-'))
const { text, pictures } = renewed(readFileSync(page, 'utf8'), made, names)
rmSync(made, { recursive: true, force: true })

if (names.length === 0) rmSync(join(docs, 'debates'), { recursive: true, force: true })
mkdirSync(join(docs, 'debates'), { recursive: true })
for (const { file, spec } of pictures)
  writeFileSync(join(docs, 'debates', file), await pictureOf(spec))
writeFileSync(page, text)
