/** questions: what each hook is asked, and its answers, in words. */
import { BEFORE_SWAPCACHE, type PolicyHooks, VERDICT_LABELS } from '../policy/api.ts'

const YES_NO = (answer: unknown): string => (answer === true ? 'yes' : 'no')
const VERDICT = (answer: unknown): string => VERDICT_LABELS[Number(answer)] || String(answer)
const GUP = (answer: unknown): string =>
  ['take it as it is', 'unshare it first', 'break COW first'][Number(answer)] ?? String(answer)

interface Question {
  readonly text: (asked: unknown) => string
  readonly answer: (answer: unknown) => string
}

const reader = (pin: unknown): string => (pin === true ? 'FOLL_PIN' : 'FOLL_GET')
const dirtyOr = (dirty: unknown): string => (dirty === true ? ', which is dirty' : '')

/** What a policy is asked, and not what it declares. */
export type Hook = {
  [Name in keyof PolicyHooks]: PolicyHooks[Name] extends (...asked: never) => unknown ? Name : never
}[keyof PolicyHooks]

/** By the name of the hook; `text` takes what was asked besides the kernel and the page. */
export const QUESTIONS: Readonly<Record<Hook, Question>> = {
  wpReuse: { text: () => 'do_wp_page(): may the store go to this page?', answer: VERDICT },
  wpReuseLarge: {
    text: () => 'do_wp_page(): may the store go to this page of a large folio?',
    answer: VERDICT,
  },
  pmdReuse: {
    text: () => 'do_huge_pmd_wp_page(): may the store go to this huge page?',
    answer: VERDICT,
  },
  swapinReuse: {
    text: () => 'do_swap_page(): may the page that came back be mapped writable?',
    answer: VERDICT,
  },
  forkCopies: {
    text: () => 'copy_present_pte(): must the child get a copy at once?',
    answer: YES_NO,
  },
  forkSplitsHuge: {
    text: () => 'copy_huge_pmd(): must the huge mapping be split?',
    answer: YES_NO,
  },
  gupRead: {
    text: (pin) => `follow_page_pte(): what before a read-only ${reader(pin)}?`,
    answer: GUP,
  },
  gupReadNotAnon: {
    text: (pin) => `follow_page_pte(): what before a read-only ${reader(pin)} of such a page?`,
    answer: GUP,
  },
  gupFastRefuses: {
    text: () => 'get_user_pages_fast(): is the page left to the slow way?',
    answer: YES_NO,
  },
  reclaimRefuses: {
    text: (stage) =>
      stage === BEFORE_SWAPCACHE
        ? 'shrink_folio_list(): must the page stay out of the swapcache?'
        : 'try_to_unmap_one(): must the page stay mapped?',
    answer: YES_NO,
  },
  clearRefsSkips: { text: () => 'clear_refs: does this entry stay writable?', answer: YES_NO },
  upgradesPte: {
    text: (dirty) =>
      `can_change_pte_writable(): may the entry${dirtyOr(dirty)} be writable at once?`,
    answer: YES_NO,
  },
  upgradesPmd: {
    text: (dirty) =>
      `can_change_pmd_writable(): may the entry${dirtyOr(dirty)} be writable at once?`,
    answer: YES_NO,
  },
  forcedInPlace: {
    text: () => 'can_follow_write_pte(): does the forced store need no fault?',
    answer: YES_NO,
  },
}
