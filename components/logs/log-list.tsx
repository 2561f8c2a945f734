'use client'
import type { ReactNode } from 'react'
import { LogGapRow, LogLineRow, LogMarkerRow, type RowLook } from './log-row.tsx'
import type { GapRow, LogRow } from './log-store.ts'
import type { LogView } from './log-view.ts'
import { VirtualLines } from './virtual-lines.tsx'

/** The lines of a container's log, and what stands between them. */
export function LogList(props: {
  view: LogView
  version: number
  look: RowLook
  following: boolean
  onFollow: (following: boolean) => void
  /** The view's row that the search stands on. */
  current: number | null
  onLoadGap: (gap: GapRow) => void
  head: ReactNode
  onNearTop: () => void
}) {
  const { current, look, onLoadGap, ...list } = props
  const renderRow = (row: LogRow, index: number) => {
    switch (row.kind) {
      case 'line':
        return <LogLineRow row={row} look={look} current={index === current} />
      case 'marker':
        return <LogMarkerRow row={row} />
      case 'gap':
        return <LogGapRow count={row.count} onLoad={() => onLoadGap(row)} />
    }
  }
  return (
    <VirtualLines
      {...list}
      label="Log lines"
      wrap={look.wrap}
      current={current}
      renderRow={renderRow}
    />
  )
}
