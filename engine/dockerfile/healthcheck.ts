import { InvalidParameterError } from '../errors.ts'
import type { HealthConfig } from '../types/docker.ts'
import { durationNanos } from '../duration.ts'
import type { Flags } from './flags.ts'
import { jsonStrings } from './words.ts'

/**
 * `HEALTHCHECK NONE`, or `HEALTHCHECK [--interval= --timeout= --start-period= --start-interval= --retries=] CMD …`
 *
 * @throws INVALID_PARAMETER in BuildKit's words
 */
export function parseHealthcheck(flags: Flags, rest: string): HealthConfig {
  const [, type = '', check = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? []
  const options = {
    ...duration(flags, 'interval', 'Interval'),
    ...duration(flags, 'timeout', 'Timeout'),
    ...duration(flags, 'start-period', 'StartPeriod'),
    ...duration(flags, 'start-interval', 'StartInterval'),
    ...retries(flags),
  }
  switch (type.toUpperCase()) {
    case 'NONE':
      if (check !== '') throw new InvalidParameterError('HEALTHCHECK NONE takes no arguments')
      return { Test: ['NONE'] }
    case 'CMD': {
      if (check === '') throw new InvalidParameterError('missing command after HEALTHCHECK CMD')
      const words = jsonStrings(check)
      return { ...options, Test: words ? ['CMD', ...words] : ['CMD-SHELL', check] }
    }
    case '':
      throw new InvalidParameterError('HEALTHCHECK requires at least one argument')
    default:
      throw new InvalidParameterError(
        `unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`,
      )
  }
}

function duration<K extends keyof HealthConfig>(
  flags: Flags,
  flag: string,
  field: K,
): Partial<Record<K, number>> {
  const text = flags.text(flag)
  if (text === undefined) return {}
  const nanos = durationNanos(text)
  if (nanos < 1e6)
    throw new InvalidParameterError(`interval ${JSON.stringify(flag)} cannot be less than 1ms`)
  return { [field]: nanos } as Partial<Record<K, number>>
}

function retries(flags: Flags): Pick<HealthConfig, 'Retries'> {
  const text = flags.text('retries')
  if (text === undefined) return {}
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (count < 1) throw new InvalidParameterError(`--retries must be at least 1 (not ${text})`)
  return { Retries: count }
}
