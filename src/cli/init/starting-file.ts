/** starting-file: the starting file of a policy or workload: an example of the documentation under another name. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { POLICIES } from '../../../policies/index.ts'
import { WORKLOADS } from '../../../workloads/index.ts'
import { createFile } from '../../files/create-file.ts'
import { FileError } from '../../files/file-error.ts'
import { packageRoot } from '../../load/package.ts'
import { unknown } from '../../params/closest.ts'
import { print, say } from '../shell/streams.ts'
import { UsageError } from '../words/usage-error.ts'

const EXAMPLES: Readonly<Record<string, string>> = { policy: 'my-rule', workload: 'my-load' }

/** What else a first run needs. */
const OTHERS: Readonly<Record<string, string>> = {
  policy: '--workload vmsplice-child',
  workload: '--policy page-count,mm-id',
}

/** Writes NAME.ts (or the extension that `given` has) into the working directory, and prints its name. */
export function writeStartingFile(kind: string, given: string): void {
  const example = Object.hasOwn(EXAMPLES, kind) ? EXAMPLES[kind] : undefined
  if (example === undefined) throw new UsageError(unknown('kind', kind, Object.keys(EXAMPLES)))
  const [, name = '', extension = 'ts'] = /^(.*?)(?:\.(ts|mts|js|mjs))?$/.exec(given) ?? []
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new UsageError(
      `invalid ${kind} name: ${given}; expected lower case letters, digits and hyphens, as in my-rule`,
    )
  }
  if ([...POLICIES, ...WORKLOADS].some((known) => known.name === name)) {
    throw new UsageError(`invalid ${kind} name: ${name} comes with the program; expected another`)
  }
  const path = join(packageRoot(), 'docs', 'examples', `${example}.ts`)
  const text = readFileSync(path, 'utf8').replaceAll(`${example}.ts`, `${name}.${extension}`)
  write(`${name}.${extension}`, text.replaceAll(example, name))
  say(`run it: cowbench run --${kind} ./${name}.${extension} ${OTHERS[kind]}`)
}

function write(file: string, text: string): void {
  try {
    createFile(file, text)
  } catch (error) {
    if (error instanceof FileError && error.code === 'EEXIST') {
      throw new UsageError(`invalid file: ${file} exists; expected a name that is free`)
    }
    throw error
  }
  print(file)
}
