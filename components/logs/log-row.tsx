import { memo, type CSSProperties } from 'react'
import { cn } from '@/components/ui/cn.ts'
import { cssColor, parseAnsi, type AnsiSpan, type AnsiStyle } from './ansi.ts'
import { guessLevel } from './level.ts'
import { formatTime, TIME_COLUMNS, type TimeFormat } from './log-time.ts'
import type { LineRow, MarkerRow } from './log-store.ts'
import { findRanges, markRanges } from './search.ts'

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

function LineText({
  row,
  search,
  current,
}: {
  row: LineRow
  search: RegExp | null
  current: boolean
}) {
  if (row.plain === '') return '\u200b'
  const spans: AnsiSpan[] = row.plain === row.text ? [{ text: row.plain }] : parseAnsi(row.text)
  const ranges = search ? findRanges(search, row.plain) : []
  if (ranges.length === 0) return spans.map((span, i) => <Span key={i} {...span} />)
  return markRanges(spans, ranges).map((piece, i) =>
    piece.found ? (
      <mark key={i} className={current ? 'log-found log-found-current' : 'log-found'}>
        {piece.text}
      </mark>
    ) : (
      <Span key={i} text={piece.text} style={piece.of.style} />
    ),
  )
}

function Span({ text, style }: { text: string; style?: AnsiStyle | undefined }) {
  return style ? <span style={cssOf(style)}>{text}</span> : text
}

function cssOf(style: AnsiStyle): CSSProperties {
  const fg = style.fg === undefined ? undefined : cssColor(style.fg)
  const bg = style.bg === undefined ? undefined : cssColor(style.bg)
  const lines = [style.underline && 'underline', style.strike && 'line-through'].filter(Boolean)
  return {
    color: style.inverse ? (bg ?? 'var(--surface)') : fg,
    backgroundColor: style.inverse ? (fg ?? 'var(--foreground)') : bg,
    fontWeight: style.bold ? 700 : undefined,
    fontStyle: style.italic ? 'italic' : undefined,
    textDecoration: lines.length > 0 ? lines.join(' ') : undefined,
    opacity: style.dim ? 0.7 : undefined,
    visibility: style.hidden ? 'hidden' : undefined,
  }
}

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
      : `${props.count.toLocaleString()} line${props.count === 1 ? '' : 's'}`
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
