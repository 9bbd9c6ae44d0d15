/**
 * other-kernel: litmus tests on another kernel than the running one: that of a Debian or Ubuntu package, in a virtual
 * machine.
 *
 *   apt-get download linux-image-6.1.0-56-amd64
 *   npx jiti scripts/other-kernel.ts linux-image-*.deb --against 6.1.192 --random 1000 --seed 7
 *   npx jiti scripts/other-kernel.ts linux-image-*.deb --against 6.1.192 my.cow
 *
 * Ubuntu's modules are packages of their own (linux-modules, linux-modules-extra): give them too. Where the headers of
 * the kernel are given as well, or installed, the guest gets a device (scripts/other-kernel/device) for the pins, and the
 * swapping out, that no system call is for; a cowbench.ko that was built elsewhere is taken too.
 *
 *   --ksm        the guest merges pages, which takes a second of each test
 *   --disk-swap  it swaps to an SSD, not to zram; for that it needs the device
 *
 * The guest is emulated, which takes some ten times as long as live tests do. Needs what NEEDED lists, and a C compiler.
 * Exit codes: 2 invalid arguments, 4 the model disagrees, 5 something needed is missing.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { recordOrCompare } from '../src/cli/live/compare.ts'
import { searchFor } from '../src/cli/live/search.ts'
import { isProgram } from '../src/cli/shell/is-program.ts'
import { refuseFlags } from '../src/cli/words/flag-table.ts'
import { parseWhole } from '../src/cli/words/flags.ts'
import { UsageError, usageMessage } from '../src/cli/words/usage-error.ts'
import { LiveDriver } from '../src/live/driver.ts'
import { type Facilities, MissingFacility, probesOf } from '../src/live/facilities.ts'
import { PROBE_KSM_FLAG } from '../src/live/request.ts'
import { makeGuest } from './other-kernel/guest.ts'

const NEEDED = ['dpkg', 'cpio', 'depmod', 'modprobe', 'busybox', 'qemu-system-x86_64']
/** Of an answer of a policy of one's own. */
const SECONDS = 10

const ENDINGS = ['.deb', '.ko', '.cow']
const MOST_TESTS = 10_000_000

const folder = mkdtempSync(join(tmpdir(), 'cowbench-kernel-'))
process.once('exit', () => {
  shutDown()
  rmSync(folder, { recursive: true, force: true })
})
try {
  process.exitCode = await main()
} catch (error) {
  const mistake = usageMessage(error)
  const missing = error instanceof MissingFacility ? error.message : undefined
  const line = mistake ?? missing
  if (line === undefined) throw error
  process.stderr.write(`other-kernel: ${line}\n`)
  process.exitCode = mistake === undefined ? 5 : 2
}
// The guest would run on.
process.exit()

async function main(): Promise<number> {
  const { debs, device, files, kernel, against, ksm, diskSwap, random, seed } = requested()
  const missing = NEEDED.find((name) => !isProgram(name))
  if (missing !== undefined) throw new MissingFacility(`no ${missing} here`)

  const { program, hasDevice } = makeGuest({ debs, device, diskSwap }, folder)
  if (!hasDevice) process.stderr.write(`no headers of ${kernel}: only what system calls do\n`)
  const driver = new LiveDriver(program)
  // A page that KSM has merged must be known from others.
  if (ksm && !(await driver.probe(PROBE_KSM_FLAG))) {
    throw new MissingFacility(`${kernel} shows every page as merged`)
  }
  const machine: Facilities = {
    ...{ kernel, swap: diskSwap ? 'disk' : 'memory', thp: 'madvise', mthp: [], ksm },
    ...(await probesOf(driver)),
  }
  const request = { against, seconds: SECONDS, json: false, drained: false }
  return random === undefined
    ? recordOrCompare(driver, machine, {
        ...request,
        ...{ files, selftests: false, record: undefined },
      })
    : searchFor(random, driver, machine, { ...request, seed })
}

/** What the command line asks for. Throws UsageError for what it cannot mean. */
function requested() {
  const { values, positionals } = words()
  const [debs, modules, files] = ENDINGS.map((ending) =>
    positionals.filter((name) => name.endsWith(ending)),
  ) as [string[], string[], string[]]
  const odd = positionals.find((name) => !ENDINGS.some((ending) => name.endsWith(ending)))
  if (odd !== undefined) {
    throw new UsageError(
      `unknown argument: ${odd}; expected files that end in ${ENDINGS.join(' ')}`,
    )
  }
  const kernel = /_([0-9]+\.[0-9.]+)/.exec(basename(debs[0] ?? ''))?.[1]
  const { against, random, seed, ksm = false, 'disk-swap': diskSwap = false } = values
  if (kernel === undefined || against === undefined) {
    throw new UsageError(
      'missing argument: expected: linux-image-NAME_VERSION_amd64.deb... --against NAME [--random N] [FILE.cow...]',
    )
  }
  if (random === undefined) refuseFlags(values, ['seed'], 'without --random')
  else if (files.length > 0) {
    throw new UsageError(`unsupported ${files[0]} with --random: it runs no files`)
  }
  return {
    ...{ debs, device: modules[0], files, kernel, against, ksm, diskSwap },
    random: random === undefined ? undefined : parseWhole('random', random, 1, MOST_TESTS),
    seed: parseWhole('seed', seed ?? '1', 0, Number.MAX_SAFE_INTEGER),
  }
}

function words() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        against: { type: 'string' },
        random: { type: 'string' },
        seed: { type: 'string' },
        ksm: { type: 'boolean' },
        'disk-swap': { type: 'boolean' },
      },
    })
  } catch (error) {
    // Its first sentence says what is wrong, the rest how a file of such a name is given.
    throw new UsageError(`invalid arguments: ${(error as Error).message.split('. ')[0]}`)
  }
}

/** The emulator does not leave when its input ends. */
function shutDown(): void {
  const file = join(folder, 'pid')
  if (!existsSync(file)) return
  try {
    process.kill(Number(readFileSync(file, 'utf8')))
  } catch {
    // It has left by itself: its kernel did not come up.
  }
}
