import { InvalidParameterError } from '../errors.ts'
import type { HostConfig } from '../types/docker.ts'

/** Throws for a value that cannot be had. */
export type Check = (value: unknown, hostConfig: HostConfig) => void

/**
 * What is done with a field of the API: looked at elsewhere, judged here by a check, or refused when it is set to
 * something. `told` fields are for answers; Docker, too, takes no notice when they are sent. `refused` and `limits` are
 * words for docs/docker-api.md, which is made from the tables of rules (`npm run docs:api`).
 */
export type Rule =
  | 'implemented'
  | 'told'
  | Check
  | { refused: string; check: Check }
  | { limits: string; check?: Check }

/**
 * Holds each field that is set to something against its rule; zero values, empty lists and nulls ask for nothing.
 *
 * @throws INVALID_PARAMETER for a field without a rule, and what the rules throw
 */
export function checkFields(
  prefix: string,
  given: Record<string, unknown>,
  rules: Record<string, Rule>,
  hostConfig: HostConfig,
): void {
  for (const [field, value] of Object.entries(given)) {
    if (isUnset(value)) continue
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined
    if (rule === undefined) throw new InvalidParameterError(`${prefix}${field} is not supported`)
    if (typeof rule === 'function') rule(value, hostConfig)
    else if (typeof rule === 'object') rule.check?.(value, hostConfig)
  }
}

/** Go's zero values, also of structs whose fields are all unset; a list of empty texts is not empty. */
export function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '')
    return true
  if (Array.isArray(value)) return value.every((one) => one !== '' && isUnset(one))
  return typeof value === 'object' && Object.values(value).every(isUnset)
}

/** Refused, naming the field and what to do instead. */
export function notSupported(field: string, instead: string): Rule {
  return {
    refused: instead,
    check: () => {
      throw new InvalidParameterError(`${field} is not supported: ${instead}`)
    },
  }
}

/** What only containers of Windows have, as Docker on Linux refuses it. */
export function windowsOnly(field: string): Rule {
  return {
    refused: 'a setting of Windows containers',
    check: () => {
      throw new InvalidParameterError(
        `${field} is a setting of Windows containers, not of Linux ones`,
      )
    },
  }
}

/** Implemented, but not in all its values: `limits` says which there are. */
export function within(limits: string, check: Check): Rule {
  return { limits, check }
}

export function oneOf(field: string, values: string[]): Rule {
  const last = values.at(-1) ?? ''
  return within(`only "${last}"`, (value) => {
    if (values.includes(String(value))) return
    throw new InvalidParameterError(`${field} "${String(value)}" is not supported, only "${last}"`)
  })
}
