/**
 * v8-settings: how V8 is to compile the simulator, for whoever starts long runs.
 */
import { setFlagsFromString } from 'node:v8'

/**
 * A function that V8 gives up (it met a case that it had not compiled) while one of its loops runs is compiled twice
 * beside the run: for the loop, and for later calls. Now and then it keeps the first alone: of 40 runs of `bg`, two at a
 * time on one CPU, 8 took a quarter longer to their end. Compiled where it is needed, the loop cannot get ahead of the
 * function: none of 40.
 *
 * Holds for the whole process; what has been compiled stays as it is.
 */
export function compileLoopsInTurn(): void {
  setFlagsFromString('--no-concurrent-osr')
}
