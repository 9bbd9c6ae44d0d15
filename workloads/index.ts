/**
 * The list of workloads, in the order in which tables and charts show them.
 */
import type { Workload } from '../src/workload/api.ts'
import bg from './bg.ts'
import checkpoint from './checkpoint.ts'
import cowTableFork from './cow-table-fork.ts'
import directIo from './direct-io.ts'
import fh from './fh.ts'
import forkExec from './fork-exec.ts'
import khugepaged from './khugepaged.ts'
import ksmMerge from './ksm-merge.ts'
import mix from './mix.ts'
import mixed from './mixed.ts'
import postcopyMinor from './postcopy-minor.ts'
import preforkServer from './prefork-server.ts'
import pteMappedThp from './pte-mapped-thp.ts'
import snapshot from './snapshot.ts'
import swapChurn from './swap-churn.ts'
import thpMremap from './thp-mremap.ts'
import uffdSnapshot from './uffd-snapshot.ts'
import vmspliceChild from './vmsplice-child.ts'
import zygote from './zygote.ts'

/** All workloads that come with the program. */
export const WORKLOADS: readonly Workload[] = [
  // fork and its aftermath
  preforkServer,
  snapshot,
  zygote,
  forkExec,
  cowTableFork,
  // what makes a count say more than one
  pteMappedThp,
  thpMremap,
  swapChurn,
  ksmMerge,
  checkpoint,
  // references that must hold, and one that must not show
  directIo,
  vmspliceChild,
  // khugepaged, and userfaultfd's events while it runs
  khugepaged,
  uffdSnapshot,
  postcopyMinor,
  // everything at once
  mixed,
  // the simulator's own speed
  bg,
  fh,
  mix,
]
