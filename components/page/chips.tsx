'use client'
import type { ReactNode } from 'react'
import { cn } from '@/components/ui/cn.ts'

/** Buttons of which one is pressed: what a list is narrowed to. */
export function Chips({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div role="group" aria-label={label} className="flex gap-1 overflow-x-auto">
      {children}
    </div>
  )
}

export function Chip(props: {
  word: string
  number?: number
  pressed: boolean
  onPress: () => void
}) {
  return (
    <button
      type="button"
      aria-pressed={props.pressed}
      onClick={props.onPress}
      className={cn(
        'inline-flex h-8 shrink-0 items-center gap-1.5 rounded-md px-2.5 text-[13px] outline-offset-[-2px]',
        props.pressed
          ? 'bg-accent text-foreground font-medium'
          : 'text-muted-foreground hover:bg-accent/60 hover:text-foreground',
      )}
    >
      {props.word}
      {props.number !== undefined && (
        <span className="tabular text-xs">{props.number.toLocaleString('en')}</span>
      )}
    </button>
  )
}
