/**
 * other-kernel: litmus tests on another kernel than the running one: that of a Debian package, in a virtual machine.
 *
 *   apt-get download linux-image-6.1.0-56-amd64
 *   npx jiti scripts/other-kernel.ts linux-image-*.deb --against 6.1.192 --random 1000 --seed 7
 *   npx jiti scripts/other-kernel.ts linux-image-*.deb --against 6.1.192 my.cow
 *
 * The guest is emulated, which takes some ten times as long as live tests do; it swaps to zram and has no KSM. Needs what
 * NEEDED lists, and a C compiler. Exit codes: 4 the model disagrees, 5 something needed is missing.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isProgram } from '../src/cli/is-program.ts'
import { recordOrCompare } from '../src/cli/live-compare.ts'
import { searchFor } from '../src/cli/live-search.ts'
import { driverProgram } from '../src/live/build.ts'
import { LiveDriver } from '../src/live/driver.ts'
import { type Facilities, probesOf } from '../src/live/facilities.ts'

const INIT = fileURLToPath(new URL('other-kernel/init', import.meta.url))
const BUSYBOX = '/bin/busybox'
const NEEDED = ['dpkg', 'cpio', 'depmod', 'modprobe', 'xz', 'busybox', 'qemu-system-x86_64']
const MODULES = ['virtio_pci', 'virtio_console', 'zram']
/** Of an answer of a policy of one's own. */
const SECONDS = 10

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { against: { type: 'string' }, random: { type: 'string' }, seed: { type: 'string' } },
})
const [image, ...files] = positionals
const version = /_([0-9]+\.[0-9.]+)/.exec(basename(image ?? ''))?.[1]
const { against, random, seed = '1' } = values
if (image === undefined || version === undefined || against === undefined) {
  end(2, 'expected: linux-image-NAME_VERSION_amd64.deb --against NAME [--random N] [FILE.cow...]')
}
const missing = NEEDED.find((name) => !isProgram(name))
if (missing !== undefined) end(5, `no ${missing} here`)

const dir = mkdtempSync(join(tmpdir(), 'cowbench-kernel-'))
process.once('exit', () => {
  // The emulator does not leave when its input ends.
  if (existsSync(join(dir, 'pid'))) process.kill(Number(readFileSync(join(dir, 'pid'), 'utf8')))
  rmSync(dir, { recursive: true, force: true })
})
const driver = new LiveDriver(guest(image, dir))
const machine: Facilities = {
  ...{ kernel: version, swap: 'memory', thp: 'madvise', mthp: [], ksm: false },
  ...(await probesOf(driver)),
}
const request = { against, seconds: SECONDS, json: false, drained: false }
process.exitCode =
  random === undefined
    ? await recordOrCompare(driver, machine, {
        ...request,
        ...{ files, selftests: false, record: undefined },
      })
    : await searchFor(Number(random), driver, machine, { ...request, seed: Number(seed) })
process.exit()

/** Makes the guest's files. Returns the program that boots it and passes the driver's input and output on. */
function guest(deb: string, folder: string): string {
  const [unpacked, root] = [join(folder, 'package'), join(folder, 'root')]
  execFileSync('dpkg', ['-x', deb, unpacked])
  const kernel = readdirSync(join(unpacked, 'boot')).find((name) => name.startsWith('vmlinuz-'))
  if (kernel === undefined) end(2, `no kernel in ${deb}`)
  for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'))
  copyFileSync(driverProgram(), join(root, 'driver'))
  copyFileSync(INIT, join(root, 'init'))
  chmodSync(join(root, 'init'), 0o755)
  copyModules(unpacked, root, kernel.slice('vmlinuz-'.length))
  const archive = join(folder, 'initramfs')
  execFileSync('sh', ['-c', `find . | cpio -o -H newc --quiet > "$0"`, archive], { cwd: root })

  const program = join(folder, 'boot')
  const line = [
    ...['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max', '-m', '2048', '-display', 'none'],
    ...['-no-reboot', '-kernel', `'${join(unpacked, 'boot', kernel)}'`, '-initrd', `'${archive}'`],
    ...[
      '-append',
      "'quiet panic=-1 console=ttyS0'",
      '-serial',
      `'file:${join(folder, 'console')}'`,
    ],
    ...['-device', 'virtio-serial-pci', '-chardev', 'stdio,id=host,signal=off'],
    ...['-device', 'virtserialport,chardev=host'],
  ].join(' ')
  // The driver is started without an environment.
  const script = `#!/bin/sh\necho $$ > '${join(folder, 'pid')}'\nPATH=/usr/bin:/bin exec ${line}\n`
  writeFileSync(program, script, { mode: 0o755 })
  return program
}

/** The modules that the guest loads, with those that they need. */
function copyModules(unpacked: string, root: string, release: string): void {
  execFileSync('depmod', ['-b', unpacked, release], { stdio: 'ignore' })
  const needed = MODULES.flatMap((name) =>
    execFileSync('modprobe', ['-d', unpacked, '-S', release, '--show-depends', name], {
      encoding: 'utf8',
    })
      .split('\n')
      .flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []),
  )
  for (const file of new Set(needed)) {
    const copy = join(root, file.slice(unpacked.length))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(file, copy)
    if (copy.endsWith('.xz')) execFileSync('xz', ['-d', copy])
  }
  execFileSync('depmod', ['-b', root, release], { stdio: 'ignore' })
}

function end(code: number, why: string): never {
  process.stderr.write(`other-kernel: ${why}\n`)
  process.exit(code)
}
