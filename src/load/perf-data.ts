/** perf-data: perf's own recordings; this file has perf turn one into the text that the importer reads. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

const MAGIC = 'PERFILE2'
const FIELDS = ['--show-mmap-events', '-F', 'comm,pid,tid,time,event,trace']

/** Does a file that begins like this come from perf record? */
export function isPerfData(head: Uint8Array): boolean {
  return new TextDecoder().decode(head.subarray(0, MAGIC.length)) === MAGIC
}

/**
 * Writes the text of the recording `data` to the file `text`.
 * @throws Error in one line, if there is no perf or it cannot read the recording.
 */
export function writePerfText(data: string, text: string): void {
  const out = openSync(text, 'w')
  const run = spawnSync('perf', ['script', '-i', data, ...FIELDS], {
    stdio: ['ignore', out, 'pipe'],
  })
  closeSync(out)
  if (run.error !== undefined) {
    throw new Error(
      `missing perf: it has to read ${data}; install linux-perf (Debian) or linux-tools (Ubuntu), or import perf script text`,
    )
  }
  if (run.status === 0) return
  const lines = run.stderr.toString().split('\n')
  const first = lines.find((line) => line.trim() !== '')?.trim() ?? `exit code ${run.status}`
  throw new Error(`invalid trace: perf script cannot read ${data} (${first})`)
}
