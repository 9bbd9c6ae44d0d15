/**
 * truth.test: the oracle against the definitions, spelled out over real frames (src/test/oracle). Random histories are
 * played; who shares a frame, who may see a token and what a load should find are worked out from scratch at every
 * step, and the oracle, which sees no frame, must agree.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyAnswers, histories, play } from '../test/oracle/history.ts'

test('right answers break nothing, and are classified as the definition says', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const counts = play([], history)
      const { unsafe_reuses, leaks, lost_coherence, lost_writes, lost_events } = counts
      const broken = [unsafe_reuses, leaks, lost_coherence, lost_writes, lost_events]
      expect(broken).toEqual([0, 0, 0, 0, 0])
    }),
    { numRuns: 600, seed: 1 },
  )
})

test('any answers at all: soleness, loads and device reads are judged as the definition says', () => {
  fc.assert(
    fc.property(anyAnswers, histories, (answers, history) => void play(answers, history)),
    { numRuns: 2500, seed: 2 },
  )
})
