/** truth.soak: the comparison of truth.test.ts over many more histories. COWBENCH_SOAK_RUNS sets how many. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyAnswers, histories, play } from '../test/oracle/history.ts'

const numRuns = Number(process.env['COWBENCH_SOAK_RUNS'] ?? 200_000)

test('right answers break nothing in many histories', () => {
  const broken = fc.property(histories, (history) => {
    const counts = play([], history)
    expect(counts.unsafe_reuses + counts.leaks + counts.lost_coherence + counts.lost_writes).toBe(0)
  })
  fc.assert(broken, { numRuns })
})

test('any answers are judged as the definition says in many histories', () => {
  const judged = fc.property(
    anyAnswers,
    histories,
    (answers, history) => void play(answers, history),
  )
  fc.assert(judged, { numRuns })
})
