import type { StatsSample } from '@/server/live/protocol.ts'

/** One curve: a value of each sample; null where there is none to draw. */
export interface Curve {
  label: string
  /** Number of the theme's chart colour. */
  colour: 1 | 2 | 3 | 4 | 5 | 6
  value: (sample: StatsSample) => number | null
  /** Filled down to zero. */
  filled?: boolean
  /** A limit: dashed, without fill. */
  dashed?: boolean
}

/** uPlot's shape: times in seconds, then the values of each curve. */
export type Aligned = [number[], ...(number | null)[][]]

/** Samples come once a second, means of older ones when they end; when none came for longer than this, the line is broken. */
const GAP_MS = 3500

/**
 * Samples as uPlot takes them. Where samples are missing (the container was stopped, the server away) a null goes
 * between, so that no line pretends to know.
 */
export function alignSamples(samples: readonly StatsSample[], curves: readonly Curve[]): Aligned {
  const times: number[] = []
  const values: (number | null)[][] = curves.map(() => [])
  let before: number | undefined
  for (const sample of samples) {
    if (before !== undefined && sample.time <= before) continue
    const from = sample.time - Math.max(0, (sample.spanMs ?? 0) - 1000)
    if (before !== undefined && from - before > GAP_MS) {
      times.push((before + 1000) / 1000)
      for (const series of values) series.push(null)
    }
    before = sample.time
    times.push(sample.time / 1000)
    curves.forEach((curve, i) => values[i]?.push(curve.value(sample)))
  }
  return [times, ...values]
}

/** Per cent of what the container may use: its CPU limit, else the whole host. */
export function cpuShare(sample: StatsSample, limitCores: number | null): number {
  const cores = limitCores ?? sample.cpuCount
  return cores > 0 ? sample.cpu / cores : sample.cpu
}

/** Round upper ends for an axis: 1, 2, 5 × 10ⁿ, or 1, 2, 4 … 512 × 1024ⁿ for bytes. */
export function niceTop(value: number, unit: 'bytes' | 'plain'): number {
  if (!(value > 0)) return 1
  if (unit === 'bytes') {
    let top = 1
    while (top < value) top *= 2
    return top
  }
  const power = 10 ** Math.floor(Math.log10(value))
  for (const step of [1, 2, 5, 10]) if (value <= step * power) return step * power
  return 10 * power
}

/** What a chart says to someone who cannot see it. */
export function describeSeries(
  name: string,
  values: readonly (number | null)[],
  format: (value: number) => string,
): string {
  const known = values.filter((value): value is number => value !== null)
  const now = known.at(-1)
  if (now === undefined) return `${name}: no data yet`
  let least = Infinity
  let most = -Infinity
  let sum = 0
  for (const value of known) {
    least = Math.min(least, value)
    most = Math.max(most, value)
    sum += value
  }
  const mean = sum / known.length
  return `${name}: now ${format(now)}, between ${format(least)} and ${format(most)}, ${format(mean)} on average`
}
