/**
 * perf-script: imports the text of `perf script` as a trace; this file reads it twice, line by line, and hands each
 * line to the part that knows what it means.
 *
 * 1. survey: which children are threads, where each exec begins (task-survey.ts).
 * 2. import: one event after the other (perf-importer.ts).
 *
 * Every line is counted as used, ignored or unplaced, the latter two by reason. Memory is bounded by the trace and
 * the address spaces alive, not by the text.
 */
import type { Import, Lines } from './importer.ts'
import { PageSize } from './page-size.ts'
import { PerfImporter } from './perf-importer.ts'
import { parsePerfLine } from './perf-line.ts'
import { TaskSurvey } from './task-survey.ts'

/**
 * Imports the text that `lines` yields.
 * @throws Error in one line, naming `file`, if nothing of it can be used or it records no fork.
 */
export async function importPerfScript(lines: Lines, file: string): Promise<Import> {
  const survey = new TaskSurvey()
  const pages = new PageSize()
  let number = 0
  for await (const batch of lines()) {
    for (const line of batch) {
      const parsed = parsePerfLine(line)
      if (parsed) survey.take(number, parsed)
      if (parsed?.event.type === 'mapping') pages.take(parsed.event)
      number++
    }
  }
  pages.refuseLarge(file)
  refuseUnusable(survey, file)

  const importer = new PerfImporter(survey)
  number = 0
  for await (const batch of lines()) {
    for (const line of batch) importer.take(number++, line)
  }
  const { statistics, program } = importer
  return { ...importer.finish(), statistics, program }
}

function refuseUnusable(survey: TaskSurvey, file: string): void {
  if (survey.faults === 0) {
    throw new Error(
      `missing events: no exceptions:page_fault line in ${file}; ` +
        'expected: perf script text of a recording with the events that `cowbench record` names',
    )
  }
  if (!survey.recordsForks) {
    throw new Error(
      `missing events: no sched:sched_process_fork line in ${file}; ` +
        'expected: a recording in which a process forks, made with that event',
    )
  }
}
