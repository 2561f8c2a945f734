import { memo } from 'react'
import { cn } from '@/components/ui/cn.ts'
import { guessLevel } from './level.ts'
import { LineText } from './line-text.tsx'
import { formatTime, TIME_COLUMNS, type TimeFormat } from './log-time.ts'
import type { LineRow, MarkerRow } from './log-store.ts'

export interface RowLook {
  time: TimeFormat
  wrap: boolean
  search: RegExp | null
  /** Lines of both streams are mixed, so the lesser one is named. */
  nameStream: boolean
  /** For relative times; ms since the epoch. */
  now: number
}

/** Characters before the text: the time, the stream. */
export function gutterColumns(look: Pick<RowLook, 'time' | 'nameStream'>): number {
  const time = TIME_COLUMNS[look.time]
  return (time > 0 ? time + 1 : 0) + (look.nameStream ? 4 : 0)
}

const edges = {
  error: 'border-bad',
  warn: 'border-warn',
  info: 'border-transparent',
  debug: 'border-transparent',
}

/** One line as printed. */
export const LogLineRow = memo(function LogLineRow(props: {
  row: LineRow
  look: RowLook
  current: boolean
}) {
  const { row, look, current } = props
  const level = guessLevel(row.plain)
  return (
    <div
      className={cn(
        'log-row hover:bg-accent/60 flex border-l-3 pr-3 pl-2',
        level === null ? 'border-transparent' : edges[level],
        current && 'bg-accent',
      )}
      title={look.time === 'off' ? undefined : `${row.time} ${row.stream}`}
    >
      {look.time !== 'off' && (
        <span
          className="text-muted-foreground shrink-0 select-none"
          style={{ width: `${TIME_COLUMNS[look.time] + 1}ch` }}
        >
          {formatTime(row.time, look.time, look.now || undefined)}
        </span>
      )}
      {look.nameStream && (
        <span className="text-warn w-[4ch] shrink-0 select-none">
          {row.stream === 'stderr' ? 'err' : ''}
        </span>
      )}
      <span
        className={look.wrap ? 'min-w-0 flex-1 break-all whitespace-pre-wrap' : 'whitespace-pre'}
      >
        <LineText row={row} search={look.search} current={current} />
      </span>
    </div>
  )
})

const tones = { good: 'text-ok', bad: 'text-bad', plain: 'text-muted-foreground' }

/** A moment of the container's life between its lines. */
export function LogMarkerRow({ row }: { row: MarkerRow }) {
  return (
    <div className={cn('log-row flex items-center gap-3 px-3 font-sans text-xs', tones[row.tone])}>
      <span className="bg-border h-px flex-1" />
      <span className="whitespace-nowrap">
        {row.text} · {formatTime(row.toldAt, 'local')}
      </span>
      <span className="bg-border h-px flex-1" />
    </div>
  )
}

/** Lines that were left out, loaded on demand. */
export function LogGapRow(props: { count: number | null; onLoad: () => void }) {
  const lines =
    props.count === null
      ? 'Some lines'
      : `${props.count.toLocaleString('en')} line${props.count === 1 ? '' : 's'}`
  return (
    <div className="log-row text-muted-foreground flex items-center gap-3 px-3 font-sans text-xs">
      <span className="h-px flex-1 border-t border-dashed" />
      <button type="button" className="text-link hover:underline" onClick={props.onLoad}>
        {lines} skipped · load
      </button>
      <span className="h-px flex-1 border-t border-dashed" />
    </div>
  )
}
