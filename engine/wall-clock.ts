/** The system's clock less the process's, in milliseconds. */
let offset = Date.now() - performance.now()

/**
 * Milliseconds since the epoch with fractions, by the system's clock: `Date.now()` is always their whole part. What
 * performance.timeOrigin leads to is wrong for good once that clock is set or the machine has slept.
 */
export function wallClock(): number {
  const coarse = Date.now()
  const since = performance.now()
  const late = coarse - (offset + since)
  if (late > 0) offset += late
  else if (late <= -1) offset += late + 1 - MICROSECOND
  // rounding must not carry it into the next millisecond
  return Math.min(Math.max(offset + since, coarse), coarse + 1 - MICROSECOND)
}

const MICROSECOND = 1e-3
