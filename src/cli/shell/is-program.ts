/** is-program: is there a program of that name to run? */
import { spawnSync } from 'node:child_process'

export function isProgram(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v -- "$0"', name], { stdio: 'ignore' }).status === 0
}
