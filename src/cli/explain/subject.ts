/** subject: what is told, under one policy: the operations of a test, or the events of a cell. */
import type { Execution } from '../../explain/explain.ts'
import { eventsOf, operationsOf } from '../../explain/happenings.ts'
import { NUMBERS, namesOf } from '../../explain/names.ts'
import type { Happening } from '../../explain/story.ts'
import { Witness } from '../../explain/witness.ts'
import { readTest } from '../../litmus/library.ts'
import { stepsWithin, TooLong, within } from '../../load/within.ts'
import {
  expand,
  type PolicyChoice,
  policyLabel,
  type TraceChoice,
  variantName,
} from '../../plan.ts'
import { missingCapability } from '../../run.ts'
import type { Trace } from '../../trace/trace.ts'
import { gatherInputs } from '../run/inputs.ts'
import { RUN_FLAGS, type RunFlags, runOptions } from '../run/options.ts'
import { Traces } from '../run/traces.ts'
import { settingsOf } from '../words/choices.ts'
import { readFlags, refuseFlags } from '../words/flag-table.ts'
import { cellSeconds } from '../words/patience.ts'
import { isSwapDisk } from '../words/swap-device.ts'
import { UsageError } from '../words/usage-error.ts'
import type { ExplainFlags } from './flags.ts'

export interface Subject {
  readonly label: string
  readonly execution: Execution
}

export function ofTest(file: string, choice: PolicyChoice, flags: ExplainFlags): Subject {
  refuseFlags(flags, ['workload', 'trace', 'seed'], 'for a litmus test')
  const swapDisk = isSwapDisk(flags.swap ?? 'zram')
  const test = readTest(file)
  const label = policyLabel(choice)
  const settings = { ...settingsOf(choice), swapDisk }
  const execution: Execution = {
    names: namesOf(test),
    start() {
      const witness = new Witness(settings)
      const drained = flags.drained ?? false
      return { witness, happenings: operationsOf(test, witness.engine, label, drained) }
    },
  }
  return { label, execution }
}

export async function ofCell(
  file: string | undefined,
  { definition, file: source, params, kernel }: PolicyChoice,
  flags: ExplainFlags,
): Promise<Subject> {
  const sources = [
    ...(file === undefined ? [] : [file]),
    ...(flags.workload === undefined ? [] : ['--workload']),
    ...(flags.trace === undefined ? [] : ['--trace']),
  ]
  const [what, another] = sources
  if (what === undefined) {
    throw new UsageError('missing argument: expected: a .cow file, --workload or --trace')
  }
  if (another !== undefined) {
    throw new UsageError(`unsupported ${another} with ${what}: one cell is told`)
  }
  refuseFlags(flags, ['drained', 'swap'], `with ${what}: it is for litmus tests`)
  const trace = file ?? flags.trace
  const named: RunFlags = {
    ...readFlags({}, RUN_FLAGS),
    ...(kernel === undefined
      ? { policy: [variantName(source?.path ?? definition.name, params)] }
      : { kernel: [variantName(kernel.name, params)] }),
    ...(flags.workload === undefined ? {} : { workload: [flags.workload] }),
    ...(trace === undefined ? {} : { trace: [trace] }),
    ...{ param: flags.param, seed: flags.seed },
  }
  const inputs = await gatherInputs(runOptions(named))
  const plan = expand(inputs.plan, (choice, needs) =>
    missingCapability(choice.definition, needs, choice.kernel?.era),
  )
  if (inputs.plan.workloads.length > 1) {
    throw new UsageError(`invalid --workload: ${flags.workload}; expected one`)
  }
  const [cell] = plan.cells
  if (cell === undefined) {
    const [skipped] = plan.skipped
    throw new UsageError(
      `unsupported workload: ${skipped?.workload}; ${definition.name} lacks ${skipped?.reason}`,
    )
  }
  const traces = new Traces(inputs.origins, undefined, cellSeconds(flags.timeout))
  const events = traceOf(cell.trace, traces)
  const { noise, policyValues } = cell
  const settings = {
    ...{ policy: definition, params: policyValues, cost: inputs.plan.conditions.cost },
    ...(noise === undefined ? {} : { noise: { values: noise, seed: cell.trace.seed } }),
    ...(kernel === undefined ? {} : { era: kernel.era }),
  }
  return {
    label: `${policyLabel(cell.policy)} on ${cell.name.workload}`,
    execution: {
      names: NUMBERS,
      start() {
        const witness = new Witness(settings)
        return { witness, happenings: eventsOf(events, witness.engine) }
      },
    },
  }
}

function traceOf(choice: TraceChoice, traces: Traces): Trace {
  try {
    return traces.get(choice)
  } catch (error) {
    if (!(error instanceof TooLong)) throw error
    const { name } = choice.workload
    throw new UsageError(`invalid workload: ${name}: ${error.message}; see --timeout`)
  }
}

/** The same subject, where the policy may never answer: a test's operations and the event asked for then end with an error. */
export function patient(
  { label, execution }: Subject,
  isTest: boolean,
  seconds: number,
  flags: ExplainFlags,
): Subject {
  let at = 0
  function* watched(happenings: Iterable<Happening>): Generator<Happening> {
    for (const happening of happenings) {
      at = happening.n
      const run = (): string => within(seconds, 'answer', happening.run)
      yield isTest || String(at) === flags.event ? { ...happening, run } : happening
    }
  }
  return {
    label,
    execution: {
      ...execution,
      start() {
        const { witness, happenings } = execution.start()
        return { witness, happenings: watched(happenings) }
      },
      steps(step) {
        try {
          // The event asked for has its own guard, which comes first.
          stepsWithin(2 * seconds, 'answer', step)
        } catch (error) {
          if (!(error instanceof TooLong)) throw error
          throw new UsageError(
            `invalid policy: ${label}: no answer at event ${at}; see --event ${at}`,
          )
        }
      },
    },
  }
}
