/**
 * ksmd: where KSM is on, ksmd comes when it likes, and a test means `ksmwait`. It is held while tests run, but for that
 * operation, and let go afterwards.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'

const KSM = '/sys/kernel/mm/ksm'

/** smart_scan (6.7) leaves out pages that were seen in vain before. */
const HELD: Readonly<Record<string, string>> = { run: '0', smart_scan: '0' }

/** Holds ksmd in `folder`; what it returns lets it go as it was. A signal that ends the process does so too. */
export function holdKsmd(folder = KSM): () => void {
  const before = Object.keys(HELD).flatMap((name) => {
    const value = read(join(folder, name))
    return value === undefined ? [] : [[name, value] as const]
  })
  for (const [name] of before) writeFileSync(join(folder, name), HELD[name] as string)
  const restore = (): void => {
    process.off('SIGINT', end).off('SIGTERM', end)
    for (const [name, value] of before) writeFileSync(join(folder, name), value)
  }
  const end = (signal: NodeJS.Signals): void => {
    restore()
    process.exit(128 + constants.signals[signal])
  }
  process.once('SIGINT', end).once('SIGTERM', end)
  return restore
}

/** What the file says; undefined if this kernel has none. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}
