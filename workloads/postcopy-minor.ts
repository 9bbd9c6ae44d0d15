/**
 * postcopy-minor: two mappings of shared memory, one fully populated, minor faults on the other, a collapse underneath.
 *
 * Models  Post-copy migration of a virtual machine whose memory is a memfd: the manager maps it and puts the pages that
 *         arrive there; the guest's mapping is registered for minor faults, and gets each page by UFFDIO_CONTINUE when it
 *         is first accessed. khugepaged, or the process by MADV_COLLAPSE, makes huge folios of the same memory. At the
 *         end the guest has accessed every page.
 * Thread  "[PATCH] mm/khugepaged: Detecting uffd-wp vma more efficiently", September 2021 (seed 001). Axel Rasmussen:
 *         a collapse of the populated mapping installs a PMD for all mappings, so events are lost; retract_page_tables()
 *         should leave minor-registered areas alone. Peter Xu: it installs none, so no event is lost; events for pages
 *         that were continued before are extra, and managers must bear them.
 * Asks    Who is right, with `install` (lazy: the kernel; all: as Rasmussen read it) and `retract` (kernel; not_minor: as
 *         he proposed) to choose from; and what if the process collapses the registered mapping itself?
 * Expect  Without a collapse, one event a page. khugepaged loses none, and there is one extra event for each page that was
 *         continued before the collapse; `retract` not_minor changes no number, as the pages are unmapped before the page
 *         table goes. Where khugepaged goes by the registered mapping, it takes the page table away again at every scan,
 *         and each of them costs what was continued since the one before (watched on 6.18.44). `install` all loses the event of every page not yet continued.
 *         So does MADV_COLLAPSE of the registered mapping (6.1 on), at the process's own request. Where the guest awaits
 *         missing events of holes (`arrived` below 100), a collapse fills them until 6.3 and loses those events; later
 *         it is given up, after it has unmapped all pages, which costs extra minor events each time.
 */
import {
  AddressSpace,
  choice,
  defineWorkload,
  HPAGE_PMD_ORDER,
  INSTALL_ALL,
  INSTALL_LAZY,
  int,
  loadAll,
  MADV_COLLAPSE,
  MAP_SHARED,
  PROT_RW,
  RETRACT_KERNEL,
  RETRACT_NOT_MINOR,
  SET_MAX_PTES_NONE,
  SET_PMD_INSTALL,
  SET_RETRACT,
  UFFD_MINOR,
  UFFD_MISSING,
} from '../src/workload/api.ts'

const MODES = { minor: UFFD_MINOR, missing: UFFD_MISSING, both: UFFD_MISSING | UFFD_MINOR } as const
const INSTALLS = { lazy: INSTALL_LAZY, all: INSTALL_ALL } as const
const RULES = { kernel: RETRACT_KERNEL, not_minor: RETRACT_NOT_MINOR } as const

export default defineWorkload({
  name: 'postcopy-minor',
  summary: 'minor faults on one mapping of shared memory while the other one is collapsed',
  params: {
    pages: int(32_768, 512, 1 << 20, 'guest memory, in pages'),
    arrived: int(100, 0, 100, 'percent of the pages that are there before the guest starts'),
    accesses: int(65_536, 0, 1 << 24, 'accesses by the guest'),
    stores: int(30, 0, 100, 'percent of the accesses that store'),
    theta: int(60, 0, 300, 'skew of the accesses: zipf exponent in hundredths'),
    scans: int(4, 0, 1000, 'collapses tried, spread over the accesses'),
    collapse: choice('khugepaged', ['none', 'khugepaged', 'madvise'], 'who collapses'),
    mapping: choice('populated', ['populated', 'registered', 'both'], 'which mapping it goes by'),
    modes: choice('minor', ['minor', 'missing', 'both'], 'what the guest is registered for'),
    install: choice('lazy', ['lazy', 'all'], 'when collapsed memory is mapped by a PMD'),
    retract: choice('kernel', ['kernel', 'not_minor'], 'whose page tables a collapse takes away'),
    maxPtesNone: int(511, 0, 511, 'holes among 512 pages that khugepaged fills'),
  },
  needs: (p) => [
    'thp',
    p.modes !== 'missing' && 'uffd-minor',
    p.collapse === 'madvise' && 'collapse',
  ],

  generate(t, rng, p) {
    const space = new AddressSpace()
    const populated = space.area(p.pages)
    const guest = space.area(p.pages)
    const heat = rng.zipf(p.pages, p.theta, rng.permutation(p.pages))
    t.set(SET_PMD_INSTALL, INSTALLS[p.install])
    t.set(SET_RETRACT, RULES[p.retract])
    t.set(SET_MAX_PTES_NONE, p.maxPtesNone)

    const mm = t.spawn()
    for (const area of [populated, guest])
      t.mmap(mm, area, p.pages, MAP_SHARED, PROT_RW, HPAGE_PMD_ORDER)
    for (let i = 0; i < p.pages; i++) if (rng.chance(p.arrived)) t.store(mm, populated + i)
    t.uffdRegister(mm, guest, p.pages, MODES[p.modes])

    const collapsed = [
      ...(p.mapping === 'registered' ? [] : [populated]),
      ...(p.mapping === 'populated' ? [] : [guest]),
    ]
    let accessed = 0
    for (let scan = 1; scan <= p.scans + 1; scan++) {
      for (; accessed < (p.accesses * scan) / (p.scans + 1); accessed++) {
        const vpn = guest + heat.next()
        if (rng.chance(p.stores)) t.store(mm, vpn)
        else t.load(mm, vpn)
      }
      if (scan > p.scans) break
      for (const area of collapsed) {
        if (p.collapse === 'khugepaged') t.khugepaged(mm, area, p.pages)
        if (p.collapse === 'madvise') t.madvise(mm, area, p.pages, MADV_COLLAPSE)
      }
    }
    loadAll(t, mm, guest, p.pages)
    t.exit(mm)
  },
})
