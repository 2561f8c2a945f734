import { InvalidParameterError } from '../errors.ts'
import type { HealthConfig } from '../types/docker.ts'

const NANOS_PER_MS = 1_000_000

/** A container's health check with Docker's defaults filled in; times in milliseconds. */
export interface HealthCheck {
  /** Executed directly, or by the container's shell. */
  kind: 'CMD' | 'CMD-SHELL'
  words: string[]
  intervalMs: number
  timeoutMs: number
  startPeriodMs: number
  startIntervalMs: number
  retries: number
}

/** @returns undefined when there is none: nobody asked for one, or `NONE` takes the image's away */
export function healthCheckOf(config: HealthConfig | null | undefined): HealthCheck | undefined {
  const [kind, ...words] = config?.Test ?? []
  if (kind !== 'CMD' && kind !== 'CMD-SHELL') return undefined
  return {
    kind,
    words,
    intervalMs: milliseconds(config?.Interval, 30_000),
    timeoutMs: milliseconds(config?.Timeout, 30_000),
    startPeriodMs: milliseconds(config?.StartPeriod, 0),
    startIntervalMs: milliseconds(config?.StartInterval, 5_000),
    retries: config?.Retries === undefined || config.Retries === 0 ? 3 : config.Retries,
  }
}

/** @throws INVALID_PARAMETER in Docker's words */
export function checkHealthConfig(config: HealthConfig | null | undefined): void {
  const [kind] = config?.Test ?? []
  if (kind !== undefined && !['NONE', 'CMD', 'CMD-SHELL'].includes(kind)) {
    throw new InvalidParameterError(
      `Unknown healthcheck type '${kind}'; use NONE, CMD or CMD-SHELL`,
    )
  }
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = config?.[name] ?? 0
    if (value !== 0 && value < NANOS_PER_MS)
      throw new InvalidParameterError(`${name} in Healthcheck cannot be less than 1ms`)
  }
  if ((config?.Retries ?? 0) < 0)
    throw new InvalidParameterError('Retries in Healthcheck cannot be negative')
}

function milliseconds(nanos: number | undefined, byDefault: number): number {
  return nanos === undefined || nanos === 0 ? byDefault : nanos / NANOS_PER_MS
}
