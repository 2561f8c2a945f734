import type { StatsSample } from '@/server/live/protocol.ts'
import { formatBytes, formatPercent } from '@/components/ui/format.ts'
import { cpuShare, niceTop, type Curve } from './series.ts'

/** What a chart of one kind shows and how its numbers read. */
export interface ChartKind {
  title: string
  curves: Curve[]
  top: (highest: number) => number
  format: (value: number) => string
  /** Steps of the axis; without it round decimal ones. */
  bytes?: boolean
}

/** What the container may use at most; null where nothing is set. */
export interface Limits {
  cpuCores: number | null
  memoryBytes: number | null
}

export function cpuChart(limits: Limits, scale: 'allowed' | 'core'): ChartKind {
  const share = (sample: StatsSample) =>
    scale === 'core' ? sample.cpu : cpuShare(sample, limits.cpuCores)
  return {
    title: 'CPU',
    curves: [{ label: 'used', colour: 1, filled: true, value: share }],
    // Of what is allowed 100 % is all there is, but a quiet container would be a line on the floor.
    top: (highest) => Math.max(1, niceTop(highest * 1.05, 'plain')),
    format: formatPercent,
  }
}

export function memoryChart(limits: Limits): ChartKind {
  const curves: Curve[] = [
    { label: 'used', colour: 2, filled: true, value: (sample) => sample.memory },
    { label: 'cache', colour: 6, value: (sample) => sample.memoryCache },
  ]
  const limit = limits.memoryBytes
  if (limit !== null) {
    curves.push({ label: 'limit', colour: 5, dashed: true, value: () => limit })
  }
  return {
    title: 'Memory',
    curves,
    top: (highest) =>
      highest === limit ? highest * 1.08 : Math.max(1 << 20, niceTop(highest, 'bytes')),
    format: formatBytes,
    bytes: true,
  }
}

const rate = (value: number) => `${formatBytes(value)}/s`
const rateTop = (highest: number) => Math.max(1024, niceTop(highest, 'bytes'))

export const networkChart: ChartKind = {
  title: 'Network',
  curves: [
    { label: 'received', colour: 1, filled: true, value: (sample) => sample.networkRxRate },
    { label: 'sent', colour: 3, value: (sample) => sample.networkTxRate },
  ],
  top: rateTop,
  format: rate,
  bytes: true,
}

export const blockChart: ChartKind = {
  title: 'Block I/O',
  curves: [
    { label: 'read', colour: 2, filled: true, value: (sample) => sample.blockReadRate },
    { label: 'written', colour: 4, value: (sample) => sample.blockWriteRate },
  ],
  top: rateTop,
  format: rate,
  bytes: true,
}

export const pidsChart: ChartKind = {
  title: 'Processes and threads',
  curves: [{ label: 'now', colour: 4, filled: true, value: (sample) => sample.pids }],
  top: (highest) => Math.max(5, niceTop(highest, 'plain')),
  format: (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1)),
}
