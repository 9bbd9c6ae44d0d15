/**
 * guest: a virtual machine with the kernel of a package: its files, and the program that boots it. Nothing runs in it but
 * the live driver, from an initramfs.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../src/cli/words/usage-error.ts'
import { driverProgram } from '../../src/live/build.ts'

const INIT = fileURLToPath(new URL('init', import.meta.url))
const DEVICE = fileURLToPath(new URL('device', import.meta.url))
const DEVICE_HEADER = fileURLToPath(new URL('../../src/live/driver/device.h', import.meta.url))
const BUSYBOX = '/bin/busybox'
const MODULES = ['virtio_pci', 'virtio_console', 'virtio_blk', 'zram']
const SWAP_BYTES = 256 << 20
/** What unpacks a module in place, by its name's ending. */
const UNPACK: Readonly<Record<string, readonly string[]>> = {
  '.xz': ['xz', '-d'],
  '.zst': ['zstd', '-dq', '--rm'],
}

export interface Guest {
  /** Boots it, and passes the driver's input and output on. */
  readonly program: string
  /** Has it /dev/cowbench? */
  readonly hasDevice: boolean
}

export interface GuestOptions {
  /** Packages that hold its kernel, its modules and, for the device, its headers. */
  readonly debs: readonly string[]
  /** The device's module, if it was built elsewhere. */
  readonly device: string | undefined
  /** Swap to a disk, not to zram. */
  readonly diskSwap: boolean
}

/** Makes the guest's files in `folder`. Once it runs, its process id is in `folder`/pid. */
export function makeGuest({ debs, device, diskSwap }: GuestOptions, folder: string): Guest {
  const [unpacked, root] = [join(folder, 'package'), join(folder, 'root')]
  for (const deb of debs) execFileSync('dpkg', ['-x', deb, unpacked])
  // Since Debian 13.
  if (!existsSync(join(unpacked, 'lib'))) symlinkSync('usr/lib', join(unpacked, 'lib'))
  const kernel = kernelIn(unpacked)
  if (kernel === undefined) throw new UsageError(`no kernel in ${debs.join(', ')}`)
  const { image, release } = kernel
  for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'))
  copyFileSync(driverProgram(), join(root, 'driver'))
  copyFileSync(INIT, join(root, 'init'))
  chmodSync(join(root, 'init'), 0o755)
  copyModules(unpacked, root, release)
  const module = device ?? buildDevice(unpacked, release)
  if (module !== undefined) copyFileSync(module, join(root, 'cowbench.ko'))
  const archive = join(folder, 'initramfs')
  execFileSync('sh', ['-c', `find . | cpio -o -H newc --quiet > "$0"`, archive], { cwd: root })

  const [program, swap] = [join(folder, 'boot'), join(folder, 'swap')]
  if (diskSwap) {
    writeFileSync(swap, '')
    truncateSync(swap, SWAP_BYTES)
  }
  const line = [
    ...['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max', '-m', '2048', '-display', 'none'],
    ...['-no-reboot', '-kernel', `'${image}'`, '-initrd', `'${archive}'`],
    ...['-append', "'quiet panic=-1 console=ttyS0'"],
    ...['-serial', `'file:${join(folder, 'console')}'`],
    ...['-device', 'virtio-serial-pci', '-chardev', 'stdio,id=host,signal=off'],
    ...['-device', 'virtserialport,chardev=host'],
    ...(diskSwap ? ['-drive', `'file=${swap},format=raw,if=virtio'`] : []),
  ].join(' ')
  // The driver is started without an environment.
  const script = `#!/bin/sh\necho $$ > '${join(folder, 'pid')}'\nPATH=/usr/bin:/bin exec ${line}\n`
  writeFileSync(program, script, { mode: 0o755 })
  return { program, hasDevice: module !== undefined }
}

/** boot/vmlinuz-RELEASE, or beside its modules since Debian's 7.0. */
function kernelIn(unpacked: string): { image: string; release: string } | undefined {
  const files = readdirSync(unpacked, { recursive: true, encoding: 'utf8' })
  for (const file of files) {
    const release = /(?:^boot\/vmlinuz-|\/modules\/)([^/]+?)(?:\/vmlinuz)?$/.exec(file)?.[1]
    if (release !== undefined && file.includes('vmlinuz')) {
      return { image: join(unpacked, file), release }
    }
  }
  return undefined
}

/** The modules that the guest loads, with those that they need. */
function copyModules(unpacked: string, root: string, release: string): void {
  if (!existsSync(join(unpacked, 'lib/modules', release))) throw lacksModules(release)
  execFileSync('depmod', ['-b', unpacked, release], { stdio: 'ignore' })
  const needed = MODULES.flatMap((name) => filesOf(name, unpacked, release))
  for (const file of new Set(needed)) {
    const copy = join(root, file.slice(unpacked.length))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(file, copy)
    const [unpack, ...options] = UNPACK[extname(copy)] ?? []
    if (unpack !== undefined) execFileSync(unpack, [...options, copy])
  }
  execFileSync('depmod', ['-b', root, release], { stdio: 'ignore' })
}

/** Nothing for what is part of the kernel itself. */
function filesOf(module: string, unpacked: string, release: string): string[] {
  const options = ['-d', unpacked, '-S', release, '--show-depends', module]
  try {
    const shown = execFileSync('modprobe', options, { encoding: 'utf8', stdio: 'pipe' })
    return shown.split('\n').flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? [])
  } catch {
    throw lacksModules(release, module)
  }
}

function lacksModules(release: string, which = 'any'): UsageError {
  return new UsageError(`missing modules of ${release} (${which}): give their package as well`)
}

/** The device that does what no system call does, if there are headers of this kernel to build it with. */
function buildDevice(unpacked: string, release: string): string | undefined {
  const headers = [
    join(unpacked, 'usr/src', `linux-headers-${release}`),
    `/lib/modules/${release}/build`,
  ]
  const build = headers.find((folder) => existsSync(join(folder, 'Makefile')))
  if (build === undefined) return undefined
  const sources = join(unpacked, 'device')
  cpSync(DEVICE, sources, { recursive: true })
  copyFileSync(DEVICE_HEADER, join(sources, basename(DEVICE_HEADER)))
  execFileSync('make', ['-C', build, `M=${sources}`, 'modules'], { stdio: 'pipe' })
  return join(sources, 'cowbench.ko')
}
