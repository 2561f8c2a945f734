/**
 * An `until`, in seconds, that takes in every event that was emitted before: those are dated to the microsecond, and
 * `Date.now()` is what is whole of milliseconds.
 */
export const soFar = (): number => (Date.now() + 1) / 1000
