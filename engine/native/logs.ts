import { check, native } from './addon.ts'

interface LogCalls {
  formatLog(
    lines: Buffer,
    out: Buffer,
    position: Int32Array,
    flags: number,
    since: Buffer | undefined,
    until: Buffer | undefined,
    attrs: Buffer,
    detail: Buffer,
  ): number
}

/** How lines are to come out. */
export interface LogForm {
  /** Each with the head of Docker's stream, `[u8 stream, 0, 0, 0, u32be length]`. */
  framed: boolean
  stdout: boolean
  stderr: boolean
  timestamps: boolean
  details: boolean
  /** Bounds as text, both included: `2026-11-21T08:00:00.123456789Z`. */
  since: string | undefined
  until: string | undefined
  /** What stands between `"stream":"stdout",` and `"time":` in each line, and what it is as details. */
  attrs: Buffer
  detail: Buffer
}

/** Why formatting ended; the line it came to is then without room, of another form, or later than `until`. */
export type Ended = 'done' | 'full' | 'unusual' | 'past'

const ENDED: readonly Ended[] = ['done', 'full', 'unusual', 'past']
const position = new Int32Array(2)

/**
 * Makes whole lines of the json-file format from `start` on into Docker's raw stream, as far as `out` takes them.
 *
 * @param out with room for one line, its detail and 64 bytes at least
 * @returns where in `lines` it came to, and how much of `out` was filled
 */
export function formatLog(
  lines: Buffer,
  start: number,
  out: Buffer,
  form: LogForm,
): { at: number; length: number; why: Ended } {
  position[0] = start
  position[1] = 0
  const flags =
    (form.stdout ? 1 : 0) |
    (form.stderr ? 2 : 0) |
    (form.framed ? 4 : 0) |
    (form.timestamps ? 8 : 0) |
    (form.details ? 16 : 0)
  const why = check(
    'format log',
    native<LogCalls>().formatLog(
      lines,
      out,
      position,
      flags,
      form.since === undefined ? undefined : Buffer.from(form.since, 'latin1'),
      form.until === undefined ? undefined : Buffer.from(form.until, 'latin1'),
      form.attrs,
      form.detail,
    ),
  )
  const [at = lines.length, length = 0] = position
  return { at, length, why: ENDED[why] ?? 'done' }
}
