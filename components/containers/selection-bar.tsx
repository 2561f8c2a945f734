'use client'
import { Play, RotateCw, Square, Trash2, X, Zap } from 'lucide-react'
import { Button } from '@/components/ui/button.tsx'
import { count } from '@/components/ui/format.ts'
import type { Verb } from './verbs.ts'

/** What can be done to all selected rows at once, at the bottom of the list while there are any. */
export function SelectionBar(props: {
  number: number
  busy: boolean
  onVerb: (verb: Verb) => void
  onRemove: () => void
  onClear: () => void
}) {
  if (props.number === 0) return null
  return (
    <div
      role="toolbar"
      aria-label="Selected containers"
      className="rise bg-raised flex shrink-0 items-center gap-1.5 overflow-x-auto border-t px-3 py-2 md:px-4"
    >
      <span className="mr-2 text-[13px] font-medium whitespace-nowrap" role="status">
        {count(props.number, 'container')} selected
      </span>
      <Button size="sm" onClick={() => props.onVerb('start')}>
        <Play aria-hidden /> Start
      </Button>
      <Button size="sm" onClick={() => props.onVerb('stop')}>
        <Square aria-hidden /> Stop
      </Button>
      <Button size="sm" onClick={() => props.onVerb('restart')}>
        <RotateCw aria-hidden /> Restart
      </Button>
      <Button size="sm" onClick={() => props.onVerb('kill')}>
        <Zap aria-hidden /> Kill
      </Button>
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
