'use client'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

export interface Selection<T> {
  ids: ReadonlySet<string>
  /** The selected rows that are shown now: a verb never reaches what the filter hides. */
  selected: T[]
  /** Selects or lets go of one; with `range` everything between it and the one before. */
  toggle: (id: string, range: boolean) => void
  all: () => void
  clear: () => void
}

/** Rows of a list that are selected, by their `Id`. */
export function useSelection<T extends { Id?: string }>(rows: T[]): Selection<T> {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  const shown = useRef(rows)
  useEffect(() => {
    shown.current = rows
  }, [rows])
  const anchor = useRef<string>(undefined)

  const toggle = useCallback((id: string, range: boolean) => {
    const order = shown.current.map((row) => row.Id ?? '')
    const from = order.indexOf(anchor.current ?? '')
    const to = order.indexOf(id)
    anchor.current = id
    setIds((before) => {
      const after = new Set(before)
      if (range && from >= 0 && to >= 0) {
        for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) after.add(each)
      } else if (!after.delete(id)) after.add(id)
      return after
    })
  }, [])
  const all = useCallback(() => setIds(new Set(shown.current.map((row) => row.Id ?? ''))), [])
  const clear = useCallback(() => setIds(new Set()), [])

  const selected = useMemo(() => rows.filter((row) => ids.has(row.Id ?? '')), [rows, ids])
  return { ids, selected, toggle, all, clear }
}
