/**
 * Tasks: operations that begin, and are then taken through their steps one by one. What each step does is in
 * fork-steps.ts, gup-steps.ts, wp-steps.ts and reclaim-steps.ts, in the functions that the whole operations run too.
 */
import { OP_FORK, OP_LABELS, OP_PIN, OP_STORE, OP_SWAPOUT } from '../trace/ops.ts'
import {
  STEP_BEGIN,
  STEP_ISOLATE,
  STEP_NEXT,
  STEP_READ,
  STEP_SLOW,
  STEP_TEST,
} from '../trace/steps.ts'
import { GOES_ON, OK, OVER, WAITS } from './answers.ts'
import { forkStep } from './fork-steps.ts'
import { gupStep } from './gup-steps.ts'
import { waits } from './locks.ts'
import type { Machine } from './machine.ts'
import { reclaimStep } from './reclaim-steps.ts'
import { newTask, type Task } from './task.ts'
import { wantOf } from './want.ts'
import { storeStep } from './wp-steps.ts'

/** Holds an operation; the operands are BEGIN's (src/trace/ops.ts). Nothing happens yet. */
export function begin(
  m: Machine,
  mm: number,
  id: number,
  op: number,
  first: number,
  second: number,
  third: number,
): number {
  m.tasks.push(taskOf(m, mm, id, op, first, second, third))
  return OK
}

function taskOf(
  m: Machine,
  mm: number,
  id: number,
  op: number,
  first: number,
  second: number,
  third: number,
): Task {
  switch (op) {
    case OP_FORK:
      return newTask(id, op, mm, 0, first, -1, STEP_BEGIN)
    case OP_STORE:
      return newTask(id, op, mm, first, 0, -1, STEP_TEST)
    case OP_SWAPOUT:
      return newTask(id, op, mm, first, 0, -1, STEP_ISOLATE)
    case OP_PIN: {
      const step = wantOf(m.era, second).slow ? STEP_SLOW : STEP_READ
      return newTask(id, op, mm, first, second, third, step)
    }
    default:
      throw new RangeError(`unsupported operation in steps: ${OP_LABELS[op] ?? op}`)
  }
}

/**
 * Takes the task up to and including the step `until`, or one step (STEP_NEXT), or to its end (STEP_ALL, and any step
 * that it does not come to). Returns GOES_ON; WAITS if it cannot get there now; else what the whole operation answers.
 */
export function step(m: Machine, id: number, until: number): number {
  const task = m.tasks.find((held) => held.id === id)
  if (task === undefined) return OVER
  for (;;) {
    if (waits(m, task)) return WAITS
    m.lastStep = task.step
    m.spent += task.spent
    const answer = oneStep(m, task)
    if (answer !== GOES_ON) {
      m.tasks.splice(m.tasks.indexOf(task), 1)
      return answer
    }
    task.spent = m.spent
    m.spent = 0
    if (until === STEP_NEXT || until === m.lastStep) return GOES_ON
  }
}

function oneStep(m: Machine, task: Task): number {
  switch (task.op) {
    case OP_FORK:
      return forkStep(m, task)
    case OP_PIN:
      return gupStep(m, task)
    case OP_STORE:
      return storeStep(m, task)
    default:
      return reclaimStep(m, task)
  }
}
