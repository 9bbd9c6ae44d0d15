/** config: what the running kernel was built with and told at run time, as far as a record of it should say. */
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Facilities } from './facilities.ts'

const OPTIONS = [
  ...['MM_ID', 'PAGE_MAPCOUNT', 'NO_PAGE_MAPCOUNT', 'PT_RECLAIM', 'TRANSPARENT_HUGEPAGE'],
  ...['READ_ONLY_THP_FOR_FS', 'USERFAULTFD', 'HAVE_ARCH_USERFAULTFD_WP', 'PTE_MARKER_UFFD_WP'],
  ...['MEM_SOFT_DIRTY', 'KSM', 'SWAP', 'LRU_GEN', 'NUMA', 'MEMCG', 'PREEMPT_DYNAMIC'],
]

/** CONFIG_* as the kernel's own file says (`y`, `n`; `unknown` where there is no such file), then settings. */
export function configFacts(machine: Facilities): Record<string, string> {
  const text = configText()
  const facts: Record<string, string> = {}
  for (const option of OPTIONS) facts[`CONFIG_${option}`] = settingOf(option, text)
  return {
    ...facts,
    architecture: process.arch,
    thp: machine.thp,
    swap: machine.swap,
    ksm: machine.ksm ? 'on' : 'off',
    soft_dirty: machine.softDirty ? 'yes' : 'no',
    uffd_wp: machine.uffdWp ? 'yes' : 'no',
  }
}

function settingOf(option: string, text: string | undefined): string {
  if (text === undefined) return 'unknown'
  return new RegExp(`^CONFIG_${option}=(.+)$`, 'm').exec(text)?.[1] ?? 'n'
}

function configText(): string | undefined {
  if (existsSync('/proc/config.gz')) {
    return gunzipSync(readFileSync('/proc/config.gz')).toString()
  }
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
  const file = `/boot/config-${release}`
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
