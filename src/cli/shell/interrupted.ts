/** interrupted: the exit code of a command that a signal ended. */

/** 128 and the signal's number, as a shell has it. */
export function interruptCode(signal: NodeJS.Signals): number {
  return signal === 'SIGINT' ? 130 : 143
}
