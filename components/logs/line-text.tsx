import type { CSSProperties } from 'react'
import { cssColor, parseAnsi, type AnsiSpan, type AnsiStyle } from './ansi.ts'
import { findRanges, markRanges } from './search.ts'

/** A line with its colours, and what the search found in it marked. */
export function LineText({
  row,
  search,
  current,
}: {
  /** `text` as printed, `plain` without sequences. */
  row: { text: string; plain: string }
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
