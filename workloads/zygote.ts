/**
 * zygote: many children of one warm process, mostly reading what they inherit.
 *
 * Models  Android: the zygote loads the classes and resources that every app needs, each app is a fork of it that
 *         reads them for its whole life, writes a few, and keeps its own data on a heap of its own.
 * Asks    How cheap is sharing that is hardly ever undone? What remains of it when all apps have gone and the zygote
 *         writes everywhere, as a garbage collection would?
 * Expect  With 4 KiB pages nobody copies without need but always-copy, and at the end the zygote takes each page back
 *         by one fault without a copy (I-24 of workloads/litmus/failures). Policies that share page tables fork in a
 *         fraction of the time but must copy a table for each 2 MiB that an app stores to.
 */
import {
  AddressSpace,
  defineWorkload,
  exchange,
  flag,
  int,
  MAP_PRIVATE_ANON,
  PIN_DMAPIN,
  PROT_RW,
  pinSome,
  storeAll,
} from '../src/workload/api.ts'

const APP_HEAP = 128

export default defineWorkload({
  name: 'zygote',
  summary: 'Android zygote: many long-lived children that mostly read what they inherit',
  params: {
    pages: int(6144, 64, 1 << 20, 'memory that the apps inherit, in pages'),
    apps: int(32, 1, 10_000, 'apps started in all'),
    alive: int(8, 1, 256, 'apps alive at once'),
    accesses: int(6000, 0, 1 << 24, 'accesses of each app in its life'),
    writes: int(8, 0, 100, 'percent of the accesses that store'),
    theta: int(80, 0, 300, 'skew of the accesses: zipf exponent in hundredths'),
    order: int(0, 0, 9, 'folio order of the inherited memory: 0 is 4 KiB, 9 is 2 MiB'),
    swap: flag(false, 'an eighth of the inherited memory is swapped out at every start of an app'),
    pinned: int(0, 0, 100, 'percent of the inherited memory that a device uses (FOLL_PIN)'),
  },
  needs: (p) => [p.order > 0 && 'thp', p.swap && 'swap'],

  generate(t, rng, p) {
    const space = new AddressSpace()
    const shared = space.area(p.pages)
    const own = space.area(APP_HEAP)
    const heat = rng.zipf(p.pages, p.theta, rng.permutation(p.pages))

    const zygote = t.spawn()
    t.mmap(zygote, shared, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
    storeAll(t, zygote, shared, p.pages)
    const buffers = pinSome(t, rng, zygote, shared, p.pages, p.pinned, PIN_DMAPIN)

    const apps: number[] = []
    const burst = Math.ceil(p.accesses / p.alive)
    // Every app lives for `alive` turns; in each turn one app starts, all run, and the oldest of a full house exits.
    for (let turn = 0; turn < p.apps + p.alive - 1; turn++) {
      if (turn < p.apps) {
        const app = t.fork(zygote)
        t.mmap(app, own, APP_HEAP, MAP_PRIVATE_ANON, PROT_RW)
        storeAll(t, app, own, APP_HEAP)
        apps.push(app)
        if (p.swap) {
          const eighth = p.pages >> 3
          t.swapout(zygote, shared + eighth * (turn % 8), eighth)
        }
        for (const buffer of buffers) exchange(t, zygote, buffer)
      }
      for (const app of apps)
        for (let i = 0; i < burst; i++) {
          const vpn = shared + heat.next()
          if (rng.chance(p.writes)) t.store(app, vpn)
          else t.load(app, vpn)
        }
      const oldest = turn >= p.alive - 1 ? apps.shift() : undefined
      if (oldest !== undefined) t.exit(oldest)
    }

    storeAll(t, zygote, shared, p.pages)
    for (const { pin } of buffers) t.unpin(zygote, pin)
    t.exit(zygote)
  },
})
