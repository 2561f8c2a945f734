import { z } from 'zod'

/** Lines that are read again at once; of more the whole log is a download. */
export const MOST_LINES = 100_000

const lineNumber = z.coerce.number().int().min(0)

/** Lines `from` up to, not with, `to`. */
export const linesQuery = z
  .object({ from: lineNumber.default(0), to: lineNumber })
  .refine(({ from, to }) => to - from <= MOST_LINES, {
    path: ['to'],
    message: `at most ${MOST_LINES} lines at once: ask in pages, or for the log as a file`,
  })
