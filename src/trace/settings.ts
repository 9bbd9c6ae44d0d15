/**
 * settings: the tunables of the machine that a trace may set: what root writes under
 * /sys/kernel/mm/transparent_hugepage/khugepaged, and which of the rules argued over on the lists khugepaged and
 * mremap follow.
 */

/** SET `setting`: holes and zero pages among 512 that khugepaged fills. */
export const SET_MAX_PTES_NONE = 0
/** Swapped pages among 512 that khugepaged reads back. */
export const SET_MAX_PTES_SWAP = 1
/** Pages among 512 that others map too and khugepaged copies. */
export const SET_MAX_PTES_SHARED = 2
/** What tells khugepaged of write protection: CHECK_*. */
export const SET_UFFD_WP_CHECK = 3
/** Whether collapsed shared memory is mapped at once: INSTALL_*. */
export const SET_PMD_INSTALL = 4
/** Which page tables a collapse of shared memory takes away: RETRACT_*. */
export const SET_RETRACT = 5
/** How the userfaultfd manager answers a missing event: ANSWER_*. */
export const SET_MISSING_ANSWER = 6
/** What mremap does to a large folio that it moves out of alignment: FOLIO_*. */
export const SET_MREMAP_FOLIO = 7

/** SET_UFFD_WP_CHECK: how khugepaged finds out that userfaultfd write-protects anonymous pages: entry by entry. */
export const CHECK_PTE = 0
/** By the area: is it registered at all? */
export const CHECK_VMA = 1
/** It does not. */
export const CHECK_NONE = 2

/** SET_PMD_INSTALL: who gets a PMD entry when khugepaged has collapsed shared memory: whoever faults. */
export const INSTALL_LAZY = 0
/** Every process that maps the range. */
export const INSTALL_ALL = 1

/** SET_RETRACT: whose page tables retract_page_tables() takes away: those that the kernel takes. */
export const RETRACT_KERNEL = 0
/** All but those of areas registered for minor faults. */
export const RETRACT_NOT_MINOR = 1
/** All. */
export const RETRACT_ALL = 2

/** SET_MISSING_ANSWER: what the manager answers a missing event with: UFFDIO_COPY. */
export const ANSWER_COPY = 0
/** UFFDIO_ZEROPAGE. */
export const ANSWER_ZEROPAGE = 1

/** SET_MREMAP_FOLIO: what becomes of a large folio that mremap() moves out of alignment, in part or whole: it stays whole. */
export const FOLIO_KEPT = 0
/** It is split into small pages. */
export const FOLIO_SPLIT = 1

/** A tunable, as `set` of a litmus test and OP_SET know it. */
export interface Setting {
  /** As a litmus test calls it; the first three as sysfs does. */
  readonly name: string
  readonly default: number
  readonly max: number
  /** By value; undefined for a number. */
  readonly words?: readonly string[]
  readonly what: string
}

/** By SET_*. */
export const SETTINGS: readonly Setting[] = [
  setting('max_ptes_none', 511, 511, 'holes and zero pages among 512 that khugepaged fills'),
  setting('max_ptes_swap', 64, 511, 'swapped pages among 512 that khugepaged reads back'),
  setting('max_ptes_shared', 256, 511, 'pages among 512 that others map too and khugepaged copies'),
  words('uffd_wp_check', ['pte', 'vma', 'none'], 'what tells khugepaged of write protection'),
  words('pmd_install', ['lazy', 'all'], 'whether collapsed shared memory is mapped at once'),
  words('retract', ['kernel', 'not_minor', 'all'], 'which page tables a collapse takes away'),
  words('missing_answer', ['copy', 'zeropage'], 'how the manager answers a missing event'),
  words(
    'mremap_folio',
    ['kept', 'split'],
    'whether a folio that mremap moves off its place stays whole',
  ),
]

function setting(name: string, value: number, max: number, what: string): Setting {
  return { name, default: value, max, what }
}

/** The first word is the default. */
function words(name: string, choices: readonly string[], what: string): Setting {
  return { name, default: 0, max: choices.length - 1, words: choices, what }
}

/** What is wrong with a SET event's operands, if anything. */
export function settingProblem(setting: number, value: number): string | undefined {
  const known = SETTINGS[setting]
  if (known === undefined) return `unknown setting: ${setting}`
  return value >= 0 && value <= known.max ? undefined : `${known.name} of ${value}`
}
