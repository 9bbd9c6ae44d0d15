/** describe: a breach in one plain sentence. */
import { COPY, SITE_FORK, SITE_LABELS, SITE_UNSHARE, VERDICT_LABELS } from '../policy/verdict.ts'
import { HOLD_GET_RO, HOLD_GET_WRITE, HOLD_PIN_RO, HOLD_PIN_WRITE } from '../trace/observed.ts'
import type { Breach, Cause } from './judge.ts'
import { NOBODY } from './tokens.ts'

/** By HOLD_*: what a user would call the thing that holds such a reference. */
const HOLDERS: Readonly<Record<number, string>> = {
  [HOLD_GET_RO]: 'pipe',
  [HOLD_GET_WRITE]: 'direct I/O buffer',
  [HOLD_PIN_RO]: 'read-only DMA buffer',
  [HOLD_PIN_WRITE]: 'DMA buffer',
}

export function describe(breach: Breach): string {
  const { cause } = breach
  if (cause === null) return `${observation(breach)}; no verdict led to it`
  return `${observation(breach)}; caused by event ${cause.event}: ${decisionOf(cause)}`
}

function observation(breach: Breach): string {
  const { kind, mm, vpn, hold, author } = breach
  const holder = HOLDERS[hold]
  const stored = author === NOBODY ? 'what nobody stored' : `what process ${author} stored`
  if (kind === 'lost_event') {
    return `a store by process ${mm} to write-protected page ${vpn} raised no event`
  }
  if (kind === 'lost_access_event') {
    return `process ${mm} came upon page ${vpn} of a range registered with userfaultfd without an event`
  }
  if (kind === 'lost_write') {
    return `process ${mm} loads ${stored} from page ${vpn}, which is not the last store there`
  }
  if (kind === 'leak') {
    // One may see what an ancestor stored before the fork, so what one may not see came after it.
    const seer =
      holder === undefined
        ? `process ${mm} loads from page ${vpn}`
        : `the ${holder} held by process ${mm} shows`
    return `${seer} ${stored} after fork`
  }
  if (holder === undefined) {
    return `process ${mm} does not see on page ${vpn} what a device stored through a promised pin`
  }
  return `the ${holder} held by process ${mm} does not show what that process has on page ${vpn}`
}

/** What the policy answered, and where. */
export function decisionOf(cause: Cause): string {
  const { site, vpn, verdict } = cause
  if (site === SITE_FORK && verdict < COPY) return `fork shared page ${vpn} in spite of its pin`
  if (site === SITE_UNSHARE && verdict < COPY) return `the pin took page ${vpn} as it was`
  return `${SITE_LABELS[site]} on page ${vpn} answered ${VERDICT_LABELS[verdict]}`
}
