/** missing-facility: the end of a command that needs what this machine does not have: one line, and exit code 5. */
import { MissingFacility } from '../../live/facilities.ts'
import { say } from './streams.ts'

/** The exit code of `command`, or 5. */
export async function orMissing(command: () => Promise<number>): Promise<number> {
  try {
    return await command()
  } catch (error) {
    if (!(error instanceof MissingFacility)) throw error
    say(`cowbench: ${error.message}`)
    return 5
  }
}
