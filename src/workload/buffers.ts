/**
 * buffers: I/O buffers, which a device reads and writes behind the page tables' back.
 */
import { PIN_ROPIN, PIN_VMSPLICE } from '../trace/ops.ts'
import type { Rng } from '../trace/rng.ts'
import type { TraceWriter } from '../trace/trace.ts'

/** Pages that a device uses: those of one pin. */
export interface Buffer {
  readonly pin: number
  readonly vpn: number
  readonly pages: number
  /** May the device store to it? Not through a read-only reference. */
  readonly deviceWrites: boolean
}

/** Takes a reference of `kind` (PIN_*) on `pages` pages. */
export function pinBuffer(
  t: TraceWriter,
  mm: number,
  vpn: number,
  pages: number,
  kind: number,
): Buffer {
  const deviceWrites = kind !== PIN_VMSPLICE && kind !== PIN_ROPIN
  return { pin: t.pin(mm, vpn, pages, kind), vpn, pages, deviceWrites }
}

/** One buffer of a page each on `percent` of an area's pages, as a program registers them once for its lifetime. */
export function pinSome(
  t: TraceWriter,
  rng: Rng,
  mm: number,
  vpn: number,
  pages: number,
  percent: number,
  kind: number,
): Buffer[] {
  const buffers = []
  for (let i = 0; i < pages; i++)
    if (rng.chance(percent)) buffers.push(pinBuffer(t, mm, vpn + i, 1, kind))
  return buffers
}

/** The owner stores and the device reads it back; the device stores and the owner loads it: shows whether both still use one page. */
export function exchange(t: TraceWriter, mm: number, buffer: Buffer): void {
  for (let i = 0; i < buffer.pages; i++) {
    t.store(mm, buffer.vpn + i)
    t.devread(mm, buffer.pin, i)
    if (!buffer.deviceWrites) continue
    t.devwrite(mm, buffer.pin, i)
    t.load(mm, buffer.vpn + i)
  }
}
