/**
 * View: the kernel as a policy file is given it: nothing in it to read, keep or change; only predicates can look inside.
 */
import type { Kernel } from '../state/kernel.ts'

class View {
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    Object.freeze(this)
  }

  static inside(view: View): Kernel {
    return view.#kernel
  }
}

Object.freeze(View.prototype)

type Asked<A extends unknown[], R> = (k: Kernel, ...asked: A) => R

let latest: { readonly kernel: Kernel; readonly view: View } | undefined

/** The view of a kernel, which stands for it in a policy file's hooks. */
export function viewOf(kernel: Kernel): Kernel {
  if (latest?.kernel !== kernel) latest = { kernel, view: new View(kernel) }
  return latest.view as unknown as Kernel
}

/** A predicate that can be asked about a view. */
export function ofView<A extends unknown[], R>(predicate: Asked<A, R>): Asked<A, R> {
  return (view, ...asked) => predicate(View.inside(view as unknown as View), ...asked)
}

/** The same for a predicate of a page, which throws where it is asked without one: NaN would go on as an answer. */
export function ofPage<R>(predicate: Asked<[pfn: number], R>): Asked<[pfn: number], R> {
  const asked = ofView(predicate)
  return (view, pfn) => {
    if (Number.isInteger(pfn)) return asked(view, pfn)
    throw new Error(
      `invalid pfn of ${predicate.name}: ${pfn}; expected the one that the hook is given`,
    )
  }
}
