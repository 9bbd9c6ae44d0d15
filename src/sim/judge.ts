/** judge: what the mechanism tells whoever judges it, and asks it. Its oracle has this shape without knowing of it. */

/** Where to look up the token that a load of page `vpn` should find: arena[directory[vpn >>> 9] + (vpn & 511)]. */
export interface Expectations {
  readonly arena: Int32Array
  readonly directory: Int32Array
}

/** Every look-up finds nothing. */
export const NO_EXPECTATIONS: Expectations = {
  arena: new Int32Array(),
  directory: new Int32Array(),
}

/**
 * Of one pin, whose pages one page table covers: what its device and its owner do to page `index` of it in turn. The
 * owner's accesses may also be to other pages of that table, counted from the pin's first as well.
 */
export interface Exchanges {
  /** Does a load by the owner that physically found `token` see what it should? If false, ask seesExpected(). */
  sees(index: number, token: number): boolean
  /** devread() that finds what the owner, or a device for it, stored last: DEV_COHERENT. If false, ask devread(). */
  reads(index: number, token: number): boolean
  /** devwrite(); or 0, having recorded nothing, where devwrite() has to be called. */
  writes(index: number): number
  /** store() by the owner; if `reuses` is 1 and not 0, after a verdict to write in place. Or 0 as above. */
  stores(index: number, reuses: number): number
}

export interface Judge {
  /** Number of the event being simulated; the mechanism sets it before every call that may record something. */
  event: number

  // Address spaces. Ranges are in pages; every call comes after the mechanism has checked that it is valid.
  spawn(mm: number): void
  /** The child sees what the parent sees, page for page. Areas marked DONTFORK follow as munmap of the child. */
  fork(parent: number, child: number): void
  /** A fork in steps: these pages are copied only now, with what the parent has stored to them since it began. */
  forkedPages(parent: number, child: number, vpn: number, pages: number): void
  exec(mm: number): void
  exit(mm: number): void
  /** `kind` is MAP_*; `object` and `pgoff` name what a file or shared mapping shows. */
  mmap(mm: number, vpn: number, pages: number, kind: number, object: number, pgoff: number): void
  munmap(mm: number, vpn: number, pages: number): void
  /** MADV_DONTNEED: reads zeroes, or the file's page, from now on. */
  dontneed(mm: number, vpn: number, pages: number): void
  /** MADV_FREE: until something is stored to them, the pages may be dropped. */
  lazyfree(mm: number, vpn: number, pages: number): void
  /** A page was dropped, as MADV_FREE allows unless something has been stored to it since. */
  dropped(mm: number, vpn: number): void
  /** A page that held only zeroes gives way to the zero page: the process has given nothing up. */
  zeroed(mm: number, vpn: number, pages: number): void
  mremap(mm: number, vpn: number, pages: number, to: number): void

  /**
   * What loads by `mm` should find, until the judge is told anything. Where a load finds something else,
   * seesExpected() has the last word. Undefined: a load may find whatever it likes.
   */
  expectations(mm: number): Expectations | undefined
  /** Does a load by `mm` that physically found `token` see what it should? Records nothing; hot, hence so small. */
  seesExpected(mm: number, vpn: number, token: number): boolean
  /** The same, recorded. Returns SAW_* bits (0: as expected). */
  load(mm: number, vpn: number, token: number): number
  /** A store by `mm`: returns the token that the mechanism writes into the frame that it physically stored to. */
  store(mm: number, vpn: number): number
  /** May storeAfter() and storeOwn() be called about pages of `mm`, until the judge is told anything else? */
  plainStores(mm: number): boolean
  /**
   * verdict() at SITE_WP (or a reuse at SITE_SWAPIN) about one page and store() to it, in one call. Returns store()'s
   * token; or 0, having recorded nothing, for an unsafe reuse or a page that is not plain to the judge: then the two
   * have to be called.
   */
  storeAfter(vpn: number, verdict: number): number
  /**
   * store() to a page that nobody else can have, of the process that plainStores() was asked about last; and, if `reuses`
   * is 1 and not 0, the verdict before it to write in place. Or 0 as above.
   */
  storeOwn(vpn: number, reuses: number): number
  /**
   * The same of pages vpns[from..to), each of which was copied: puts the stores' tokens there in `tokens`. Returns `to`,
   * or the index of the first page that is not plain.
   */
  storesAfterCopies(vpns: Int32Array, tokens: Int32Array, from: number, to: number): number
  /** A store of content number `content`: equal contents give equal tokens. */
  storeSame(mm: number, vpn: number, content: number): number
  /** Token of page `pgoff` of a file or shared object that is read in from its backing (again and again the same). */
  objectPage(object: number, pgoff: number): number

  /** `kind` is HOLD_*. Called after the pages were faulted in (and unshared, where the policy wants it). */
  pin(pin: number, mm: number, vpn: number, pages: number, kind: number): void
  unpin(pin: number): void
  /** The device read `token` through page `index` of `pin`. Returns DEV_*. */
  devread(pin: number, index: number, token: number): number
  /** Returns the token that the mechanism writes into the pinned frame. */
  devwrite(pin: number, index: number): number
  /**
   * What may be asked about the pin and its owner until the judge is told of anything but accesses; undefined where
   * nothing may. All pages of the pin are where they were taken.
   */
  exchanges(pin: number): Exchanges | undefined

  /**
   * A decision: `verdict` below COPY = reuse. SITE_WP and SITE_SWAPIN: one page (a store follows). SITE_WP_HUGE:
   * `pages` = 512, a copy there means a 2 MiB copy (a store follows). SITE_FORK: the child gets its own copy of the
   * parent's page (`mm` is the parent, `other` the child). SITE_UNSHARE: `mm` gets a copy, or takes the page over,
   * for a r/o pin. SITE_TABLE: `mm` copies (or takes over) the page table that covers `vpn`, `pages` = 512.
   * Returns whether this was an unsafe reuse: from then on every store to the page is told to the judge.
   */
  verdict(
    site: number,
    mm: number,
    vpn: number,
    pages: number,
    verdict: number,
    other: number,
  ): boolean
  /**
   * verdict() about each of these pages at SITE_UNSHARE, or at SITE_WP with no store to follow, that lets the process go
   * on with it. Returns how many of them, from the first on, it is clear of that nobody else can have them; nothing is
   * recorded of the others: of the next one verdict() has to be called.
   */
  takesOver(mm: number, vpn: number, pages: number): number
  /**
   * A copy at SITE_WP whose page is mapped later, when `copied` says so, or never: others may come between. The verdict
   * is judged now; the pages stay shared until then.
   */
  copying(mm: number, vpn: number, verdict: number): void
  copied(mm: number, vpn: number): void
  /** The policy refused to reuse a huge folio and the mechanism splits the mapping instead of copying 2 MiB. */
  refusedHuge(mm: number, vpn: number, pages: number, verdict: number): void
  /**
   * `mm` got physical pages of its own by other means: nobody shares these pages now. Not scored. Collapse is one; a
   * fault or an unshare that filled pages with zeroes is another (huge or large folio, zero page replaced for a pin),
   * so that a frame of zeroes can be told from no frame at all.
   */
  separated(mm: number, vpn: number, pages: number): void
  /** KSM merged these pages (pairs of mm, vpn): they are one physical page from now on, that of the first. */
  merged(pairs: readonly number[]): void
  /** fork let the child share the parent's page table that covers `vpn`. */
  tableShared(parent: number, child: number, vpn: number): void
  /** `mm` no longer uses a shared table there (copied, zapped or left alone as the last user). */
  tableLeft(mm: number, vpn: number): void

  /** userfaultfd write-protects the pages that are there (`on`), or the manager lets stores to them through again. */
  uffdWp(mm: number, vpn: number, pages: number, on: boolean): void
  /**
   * The range is registered with userfaultfd for `modes` (UFFD_MISSING, UFFD_MINOR), or for neither any more: from now
   * on the first access to a page of it must raise an event, where the mode promises one.
   */
  uffdRegister(mm: number, vpn: number, pages: number, modes: number): void
  /** These pages are mapped: they were when the range was registered, or the manager provides them. */
  uffdPresent(mm: number, vpn: number, pages: number): void
  /** An event of `mode` (UFFD_*) for the page reached the manager, which has not answered yet. */
  uffdEvent(mm: number, vpn: number, mode: number): void
  /** The process itself wanted the range collapsed, and it was. */
  collapseRequested(mm: number, vpn: number, pages: number): void
}
