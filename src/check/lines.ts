/**
 * lines: the path to a finding as lines of a .cow file, in which everything keeps the name that it got first.
 */
import { OP_BEGIN, OP_DEVWRITE, OP_FORK, OP_PIN, OP_STEP, OP_UNPIN } from '../trace/ops.ts'
import { type Action, act } from './actions.ts'
import { emptyWorld } from './explore.ts'
import type { Model } from './models.ts'
import { StateCodec } from './state.ts'
import type { Seen, WorldSettings } from './world.ts'

/** From `spawn` on; the load or device read that shows the finding is added where the last action does not. */
export function linesOf(
  settings: WorldSettings,
  model: Model,
  path: readonly Action[],
  seen: Seen | undefined,
): string[] {
  const world = emptyWorld(settings, model)
  const codec = new StateCodec(world)
  const area = model.pages === 1 ? '1' : '512'
  const lines = ['spawn A', `mmap A buf ${area}${model.thp ? ' thp' : ''}`]
  if (model.mergeable) lines.push('madvise A buf mergeable')
  let [processes, pins, tasks] = [['A'], [] as string[], [] as string[]]
  let [born, taken, begun] = [1, 0, 0]
  for (const [i, action] of path.entries()) {
    const ofPin = action.op === OP_UNPIN || action.op === OP_DEVWRITE
    const who = (action.op === OP_STEP ? tasks : ofPin ? pins : processes)[action.who] ?? ''
    const op = action.op === OP_BEGIN ? action.value : action.op
    let line = action.text.replace('{}', who)
    if (action.op === OP_BEGIN) {
      tasks.push(`T${++begun}`)
      line = line.replace('%', tasks.at(-1) ?? '')
    }
    if (op === OP_FORK) {
      processes.push(String.fromCharCode('A'.charCodeAt(0) + born++))
      line = line.replace('$', processes.at(-1) ?? '')
    } else if (op === OP_PIN) {
      pins.push(`P${++taken}`)
      line = line.replace('$', pins.at(-1) ?? '')
    }
    lines.push(line)
    // What comes of the last one is in no line.
    if (i === path.length - 1) break
    act(world, action)
    // Tasks keep their order, and leave it when they are over.
    tasks = world.machine.tasks.map(({ id }) => tasks[id] ?? '')
    // As the search did: everything gets the name that it is going to be called by.
    codec.save()
    const [oldProcesses, oldPins] = [processes, pins]
    processes = codec.order.map((id) => oldProcesses[id] ?? '')
    for (const { op: forks, operand } of world.machine.tasks) {
      const unborn = forks === OP_FORK && world.mm(operand) === undefined
      if (unborn) processes.push(oldProcesses[operand] ?? '')
    }
    pins = []
    for (const [old, name] of oldPins.entries()) {
      const now = codec.pinName[old] ?? -1
      if (now >= 0) pins[now] = name
    }
    codec.restore(codec.list, 0)
  }
  if (seen !== undefined) {
    const { pin, mm, vpn } = seen
    lines.push(pin < 0 ? `read ${processes[mm]} buf[${vpn}]` : `devread ${pins[pin]}`)
  }
  return lines
}
