/** build: the driver's program, compiled with the system's cc when it is first needed; this file keeps it in a cache. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../load/package.ts'
import { MissingFacility } from './facilities.ts'

const FLAGS = [
  ...['-std=gnu11', '-O2', '-Wall', '-Wextra', '-ffreestanding', '-fno-builtin'],
  ...['-fno-stack-protector', '-fno-pie', '-no-pie', '-nostdlib', '-static'],
]

/**
 * Path of the driver. Sources and flags name the file, and a hash of its bytes lies beside it, so that neither an old
 * program nor a damaged one is run. Throws MissingFacility where there is no compiler or no kernel headers.
 */
export function driverProgram(cacheDir: string = userCache()): string {
  const folder = join(packageRoot(), 'src', 'live', 'driver')
  const sources = readdirSync(folder).filter((name) => /\.[ch]$/.test(name))
  const hash = createHash('sha256').update(FLAGS.join(' '))
  for (const name of sources.sort()) {
    hash.update(`\0${name}\0`).update(readFileSync(join(folder, name)))
  }
  const program = join(cacheDir, `live-${hash.digest('hex').slice(0, 16)}`)
  if (isIntact(program)) return program

  mkdirSync(cacheDir, { recursive: true, mode: 0o700 })
  const half = `${program}.${process.pid}`
  compile(
    half,
    sources.filter((name) => name.endsWith('.c')).map((name) => join(folder, name)),
    FLAGS,
  )
  chmodSync(half, 0o700)
  writeFileSync(`${program}.sha256`, sha256(half))
  renameSync(half, program)
  return program
}

/** Throws MissingFacility with the first thing that the compiler does not like. */
export function compile(
  output: string,
  sources: readonly string[],
  flags: readonly string[],
): void {
  try {
    execFileSync('cc', [...flags, '-o', output, ...sources], { stdio: 'pipe', encoding: 'utf8' })
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string }
    if (code === 'ENOENT') throw new MissingFacility('no C compiler: install gcc or clang (cc)')
    const first = (stderr ?? '').split('\n').find((line) => line.includes('error')) ?? String(error)
    throw new MissingFacility(`cc cannot build what measures this machine: ${first.trim()}`)
  }
}

function isIntact(program: string): boolean {
  if (!existsSync(program) || !existsSync(`${program}.sha256`)) return false
  return readFileSync(`${program}.sha256`, 'utf8') === sha256(program)
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function userCache(): string {
  const base = process.env['XDG_CACHE_HOME']
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'cowbench')
}
