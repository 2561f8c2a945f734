/** How Docker reads JSON bodies, as zod schemas: null is absent, unknown fields are ignored, types are checked. */
import { z } from 'zod'

/**
 * An object with Go's eye for keys: one in other letters (`hostconfig`) counts as long as the exact one is not there.
 *
 * @see encoding/json, Unmarshal: "preferring an exact match but also accepting a case-insensitive match"
 */
export function struct<Shape extends z.ZodRawShape>(shape: Shape) {
  const spellings = new Map(Object.keys(shape).map((key) => [key.toLowerCase(), key]))
  return z.preprocess((value) => respell(value, shape, spellings), z.object(shape))
}

function respell(
  value: unknown,
  shape: z.ZodRawShape,
  spellings: ReadonlyMap<string, string>,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const odd = Object.keys(value).filter((key) => !Object.hasOwn(shape, key))
  if (odd.length === 0) return value
  const respelled: Record<string, unknown> = { ...value }
  for (const key of odd) {
    const known = spellings.get(key.toLowerCase())
    if (known !== undefined && !Object.hasOwn(value, known))
      respelled[known] = (value as Record<string, unknown>)[key]
  }
  return respelled
}

/** A field that may be absent or null. */
export function maybe<T extends z.ZodType>(schema: T) {
  return schema
    .nullish()
    .transform((value): z.output<T> | undefined => value ?? undefined)
    .optional()
}

export const text = maybe(z.string())
export const bool = maybe(z.boolean())
/** Docker's int64; numbers beyond 2^53 lose their last digits, which no limit has. */
export const whole = maybe(z.number().int('expected an integer'))
/** Of a list or a map: null is the empty text, as Go leaves it. */
const element = z
  .string()
  .nullable()
  .transform((value) => value ?? '')
export const texts = maybe(z.array(element))
export const textMap = maybe(z.record(z.string(), element))
/** A set written as an object of empty objects. */
export const keySet = maybe(
  z.record(
    z.string(),
    z
      .looseObject({})
      .nullable()
      .transform(() => ({})),
  ),
)

/** A word of a fixed set, `''` being absent. Which words exist is the engine's to say, in Docker's words. */
export function oneOf<T extends string>() {
  return z
    .string()
    .nullish()
    .transform((value) => (value === '' || value == null ? undefined : (value as T)))
    .optional()
}

/** A command: a list of words, or one word alone (Go's strslice). */
export const command = maybe(z.union([z.array(element), z.string().transform((one) => [one])]))

/** Compiles only when a schema's output names every field of a type, so that none is dropped unseen. */
export type Complete<T, Output> =
  Exclude<keyof T, keyof Output> extends never ? true : Exclude<keyof T, keyof Output>
