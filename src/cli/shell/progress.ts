/** progress: a line on stderr that says how far a run is, if someone watches. */
import { watched } from './streams.ts'

export interface Progress {
  step(what: string): void
  end(): void
}

export async function startProgress(total: number, noun = 'cells'): Promise<Progress> {
  if (!watched() || total === 0) return { step: () => {}, end: () => {} }
  const { default: bars } = await import('cli-progress')
  const bar = new bars.SingleBar({
    stream: process.stderr,
    format: `{bar} {value}/{total} ${noun}, {eta_formatted} left  {what}`,
    ...{ barsize: 24, hideCursor: true, clearOnComplete: true, etaBuffer: 50 },
  })
  bar.start(total, 0, { what: '' })
  return { step: (what) => bar.increment({ what }), end: () => bar.stop() }
}
