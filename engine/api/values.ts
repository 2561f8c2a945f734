/** How Docker reads the values of query parameters, as zod schemas. */
import { z } from 'zod'
import type { Filters } from '../contract/common.ts'
import { InvalidParameterError } from '../errors.ts'

/**
 * A boolean: anything but nothing, `0`, `no`, `false` and `none` is true.
 *
 * @see moby: daemon/server/httputils/form.go, BoolValue
 */
export const flag = z.string().optional().transform(isTrue)

/** As `flag`, but undefined when the parameter is absent. */
export const maybeFlag = z
  .string()
  .optional()
  .transform((text) => (text === undefined ? undefined : isTrue(text)))

/** A whole number; absent and empty are undefined. */
export const integer = z
  .string()
  .optional()
  .transform((text) => {
    if (text === undefined || text === '') return undefined
    // Go's own words: clients show them, and tests of tools match them.
    if (!/^[+-]?\d{1,15}$/.test(text)) {
      throw new InvalidParameterError(
        `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
      )
    }
    return Number(text)
  })

/** Text; absent and empty are undefined. */
export const word = z
  .string()
  .optional()
  .transform((text) => (text === '' ? undefined : text))

/** A parameter of the reference that is not here: given, it is refused by its name. */
export const unsupported = once((name: string, why: string) =>
  z
    .string()
    .optional()
    .transform((text): undefined => {
      if (text !== undefined && text !== '' && text !== '0' && text !== 'false')
        throw new InvalidParameterError(`${name} is not supported: ${why}`)
      return undefined
    })
    .meta({ refused: why }),
)

/** A parameter of the reference that Docker, too, makes nothing of on such a host. */
export const unread = once((why: string) => z.string().optional().meta({ unread: why }))

/** One schema for the same words: tables of routes are made by the connection, schemas are dear. */
function once<A extends string[], S>(make: (...words: A) => S): (...words: A) => S {
  const made = new Map<string, S>()
  return (...words) => {
    const key = words.join('\0')
    const known = made.get(key) ?? make(...words)
    made.set(key, known)
    return known
  }
}

/** What doubles near today's seconds differ by; finer times are rounded by up to half of it. */
const DOUBLE_STEP = 2 ** -22

/** A moment as seconds since the epoch with fractions; absent, empty and 0 are undefined. */
function moment(name: 'since' | 'until', widen: number) {
  return z
    .string()
    .optional()
    .transform((text) => {
      if (text === undefined || text === '' || text === '0') return undefined
      const fraction = /^-?\d{1,15}(?:\.(\d+))?$/.exec(text)
      if (fraction === null) {
        throw new InvalidParameterError(
          `invalid value for "${name}": ${JSON.stringify(text)} is no time in seconds`,
        )
      }
      // Clients ask on from the very nanosecond they were last told: rounding must not shut that one out.
      return (fraction[1] ?? '').length > 6 ? Number(text) + widen : Number(text)
    })
}

export const sinceMoment = moment('since', -DOUBLE_STEP)
export const untilMoment = moment('until', DOUBLE_STEP)

/** Filters in either of their two JSON forms: `{"label":["a"]}` and `{"label":{"a":true}}`. */
export const filters = z
  .string()
  .optional()
  .transform((text): Filters | undefined => {
    if (text === undefined || text === '') return undefined
    const parsed = filterForms.safeParse(parseJson(text))
    if (!parsed.success) throw new InvalidParameterError('invalid filter')
    return parsed.data
  })

const filterForms = z
  .record(
    z.string(),
    z.union([
      z.array(z.string()),
      z
        .record(z.string(), z.boolean())
        .transform((set) => Object.keys(set).filter((value) => set[value])),
    ]),
  )
  .nullable()
  .transform((form) => form ?? undefined)

function isTrue(text: string | undefined): boolean {
  return !['', '0', 'no', 'false', 'none'].includes((text ?? '').trim().toLowerCase())
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
