'use client'
import { Trash2, X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { count } from '@/components/ui/format.ts'

/** What can be done to all selected rows at once, at the bottom of the list while there are any. */
export function SelectionBar(props: {
  number: number
  /** what a row is, in the singular */
  noun: string
  onRemove: () => void
  onClear: () => void
  /** verbs of this list, left of Remove */
  children?: ReactNode
}) {
  if (props.number === 0) return null
  return (
    <div
      role="toolbar"
      aria-label={`Selected ${props.noun}s`}
      className="rise bg-raised flex shrink-0 items-center gap-1.5 overflow-x-auto border-t px-3 py-2 md:px-4"
    >
      <span className="mr-2 text-[13px] font-medium whitespace-nowrap" role="status">
        {count(props.number, props.noun)} selected
      </span>
      {props.children}
      <Button size="sm" variant="danger-outline" onClick={props.onRemove}>
        <Trash2 aria-hidden /> Remove…
      </Button>
      <Button
        size="icon-sm"
        variant="ghost"
        className="ml-auto"
        aria-label="Clear the selection"
        onClick={props.onClear}
      >
        <X aria-hidden />
      </Button>
    </div>
  )
}
