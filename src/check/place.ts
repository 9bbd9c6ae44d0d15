/**
 * place: the sequence of actions that a search is in the middle of, in memory that threads share: a policy that fails
 * there, or never answers, can be told with what led to it.
 */

/** Longer than any sequence: what a search may be asked for, and what is drawn at random. */
const ROOM = 128

/** The model's number, how many actions are done, their numbers, and that of the one under way. */
export type SharedPlace = Int32Array

export function newPlace(): SharedPlace {
  return new Int32Array(new SharedArrayBuffer((2 + ROOM) * Int32Array.BYTES_PER_ELEMENT))
}

/** Nothing is under way yet in the model with that number. */
export function enterModel(place: SharedPlace, model: number): void {
  place[0] = model
  place[1] = -1
}

export function setDone(place: SharedPlace, actions: readonly number[]): void {
  place[1] = Math.min(actions.length, ROOM - 1)
  for (let i = 0; i < place[1]; i++) place[2 + i] = actions[i]!
}

export function setUnderWay(place: SharedPlace, action: number): void {
  place[2 + place[1]!] = action
}

/** Undefined if nothing is under way. */
export function readPlace(
  place: SharedPlace,
): { readonly model: number; readonly actions: readonly number[] } | undefined {
  const [model = 0, done = -1] = place
  return done < 0 ? undefined : { model, actions: [...place.subarray(2, 3 + done)] }
}
