/**
 * fork-exec: a process that starts commands: fork, touch a few pages, exec.
 *
 * Models  A shell that runs pipelines: it forks all commands of a pipeline, each child stores to a few pages of the
 *         inherited stack and heap (redirections, environment) and calls exec, the shell notes the process ids; then
 *         the programs run on memory of their own and exit.
 * Asks    Sharing lasts for a moment only. What does the copying that fork does in vain cost, and does the shell get
 *         its pages back without copies once the children have gone?
 * Expect  With 4 KiB pages nobody copies without need but always-copy. Fork is the largest part of the time of every
 *         policy that copies page tables. Sharing them saves a quarter of it and no time altogether: a shell has few
 *         tables, and each child stores to most of them. on-demand-fork, which copies a table even for its last user,
 *         is slower than the rest.
 */
import {
  AddressSpace,
  defineWorkload,
  int,
  loadAll,
  MAP_PRIVATE_ANON,
  MAP_PRIVATE_FILE,
  PROT_READ,
  PROT_RW,
  storeAll,
} from '../src/workload/api.ts'

const TEXT_OBJECT = 1
const DATA_OBJECT = 2
const TEXT = 64
const DATA = 16

export default defineWorkload({
  name: 'fork-exec',
  summary: 'shell pipelines: fork, a few stores, exec',
  params: {
    pages: int(2048, 64, 1 << 20, "the shell's memory, in pages"),
    commands: int(400, 1, 1 << 20, 'pipelines that the shell runs'),
    pipeline: int(3, 1, 64, 'most children in one pipeline; the number is drawn from 1 to this'),
    stores: int(12, 0, 10_000, 'stores of a child before exec, and of the shell meanwhile'),
    work: int(96, 0, 1 << 20, "pages of the program's own heap"),
    theta: int(120, 0, 300, 'skew of the stores: zipf exponent in hundredths'),
    order: int(0, 0, 9, "folio order of the shell's memory: 0 is 4 KiB, 9 is 2 MiB"),
  },
  needs: (p) => [p.order > 0 && 'thp'],

  generate(t, rng, p) {
    const memory = new AddressSpace().area(p.pages)
    const image = new AddressSpace()
    const [text, data, heap] = [image.area(TEXT), image.area(DATA), image.area(p.work)]
    const heat = rng.zipf(p.pages, p.theta, rng.permutation(p.pages))

    const shell = t.spawn()
    t.mmap(shell, memory, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
    storeAll(t, shell, memory, p.pages)

    for (let command = 0; command < p.commands; command++) {
      const children = Array.from({ length: 1 + rng.below(p.pipeline) }, () => t.fork(shell))
      for (const child of children) {
        for (let i = 0; i < p.stores; i++) t.store(child, memory + heat.next())
        for (let i = 0; i < p.stores; i++) t.store(shell, memory + heat.next())
        t.exec(child)
      }
      for (const child of children) {
        t.mmap(child, text, TEXT, MAP_PRIVATE_FILE, PROT_READ, 0, TEXT_OBJECT)
        t.mmap(child, data, DATA, MAP_PRIVATE_FILE, PROT_RW, 0, DATA_OBJECT)
        if (p.work > 0) t.mmap(child, heap, p.work, MAP_PRIVATE_ANON, PROT_RW)
        loadAll(t, child, text, TEXT)
        loadAll(t, child, data, DATA)
        storeAll(t, child, data, DATA >> 1)
        storeAll(t, child, heap, p.work)
        t.exit(child)
      }
      for (let i = 0; i < p.stores; i++) t.store(shell, memory + heat.next())
    }
    t.exit(shell)
  },
})
