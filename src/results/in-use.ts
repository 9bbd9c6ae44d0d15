/**
 * in-use: a results directory belongs to one process at a time, until that ends, however it ends.
 *
 * Each leaves a mark there that says who it is, and looks for others only then: of two that come at once none is
 * overlooked. The mark of a process that was killed stays, but names nobody, and the next one removes it. So does one
 * from another machine on a shared disk: whether that process lives cannot be known here.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { FileError } from '../files/file-error.ts'

const MARK = '.in-use-by-'

export function isMark(file: string): boolean {
  return file.startsWith(MARK)
}

/** Throws Error in one line if another process that lives has `dir`. */
export function expectUnused(dir: string): void {
  for (const file of readdirSync(dir).filter(isMark)) {
    const pid = Number.parseInt(file.slice(MARK.length), 10)
    if (pid === process.pid) continue
    if (file === markOf(pid)) {
      throw new Error(
        `invalid results directory: ${dir} is in use by process ${pid}; expected its end, or another --name`,
      )
    }
    rmSync(join(dir, file), { force: true })
  }
}

/** What this process has, and its marks. */
const held = new Map<string, string>()
process.once('exit', () => {
  for (const dir of held.keys()) giveBack(dir)
})

/** Takes `dir` until this process ends or gives it back. Throws Error in one line if another one has it. */
export function takeForUse(dir: string): void {
  const mark = join(dir, markOf(process.pid) ?? MARK)
  try {
    // Nothing is in it, so that it is there as a whole or not at all.
    writeFileSync(mark, '')
  } catch (error) {
    throw new FileError(dir, 'written', error)
  }
  held.set(dir, mark)
  expectUnused(dir)
}

/** For another process to take before this one ends. */
export function giveBack(dir: string): void {
  const mark = held.get(dir)
  if (mark !== undefined) rmSync(mark, { force: true })
  held.delete(dir)
}

/** What a process is known by, for numbers are given again; undefined if there is none of that number. */
function markOf(pid: number): string | undefined {
  // Without /proc (another system, a sandbox) numbers have to do.
  const born = birthOf(pid) ?? (isAlive(pid) ? hostname() : undefined)
  return born === undefined ? undefined : `${MARK}${pid}-${born}`
}

/** When the process began, and in which boot of which machine. */
function birthOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): after the name, which may hold anything, come the state (3rd) and the time of start (22nd).
    const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return /[ZX]/.test(state) ? undefined : `${fields[18]}-${boot}`
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
