'use client'
import { useRef, useState, type ReactNode } from 'react'
import { useListKeys } from './use-list-keys.ts'
import type { Selection } from './use-selection.ts'
import { VirtualRows, type RowsHandle, type VirtualRowsProps } from './virtual-rows.tsx'

interface RowState {
  selected: boolean
  /** where the keys are */
  current: boolean
}

/** Rows that are selected and walked through: j and k, x selects, / filters, Escape lets go, others as `keys` says. */
export function SelectableRows<Row extends { Id?: string }>(
  props: Omit<VirtualRowsProps<Row>, 'ref' | 'keyOf' | 'attributesOf' | 'children'> & {
    selection: Selection<Row>
    onFocusFilter: () => void
    /** by `KeyboardEvent.key`, with the row the keys are at */
    keys: Record<string, (current: Row | undefined) => void>
    children: (row: Row, state: RowState) => ReactNode
  },
) {
  const { children, keys, onFocusFilter, selection, ...table } = props
  const { rows } = table
  const [currentId, setCurrentId] = useState<string>()
  const handle = useRef<RowsHandle>(null)
  const currentIndex = rows.findIndex((row) => row.Id === currentId)
  const current = rows[currentIndex]
  const move = (step: number) => {
    const index = Math.min(rows.length - 1, Math.max(0, currentIndex + step))
    setCurrentId(rows[index]?.Id)
    handle.current?.scrollTo(index)
  }
  useListKeys({
    '/': onFocusFilter,
    j: () => move(1),
    k: () => move(-1),
    x: () => current?.Id !== undefined && selection.toggle(current.Id, false),
    Escape: selection.clear,
    ...Object.fromEntries(Object.entries(keys).map(([key, act]) => [key, () => act(current)])),
  })
  const stateOf = ({ Id = '' }: Row): RowState => ({
    selected: selection.ids.has(Id),
    current: Id === currentId,
  })
  return (
    <VirtualRows
      {...table}
      ref={handle}
      keyOf={(row, index) => row.Id ?? index}
      attributesOf={(row) => {
        const { current: isCurrent, selected } = stateOf(row)
        return {
          'aria-selected': selected,
          'aria-current': isCurrent,
          onPointerDown: () => setCurrentId(row.Id),
        }
      }}
    >
      {(row) => children(row, stateOf(row))}
    </VirtualRows>
  )
}
