'use client'
import { Plus, X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'

/** A part of the form: its name, what it is for, and its fields. */
export function Section(props: {
  title: string
  hint?: string
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <Card aria-label={props.title}>
      <CardHeader title={props.title} hint={props.hint} actions={props.actions} />
      <div className="flex flex-col gap-3 p-4">{props.children}</div>
    </Card>
  )
}

/** Rows that can be added and taken away. */
export function Rows<T extends { key: string }>(props: {
  rows: T[]
  /** What one is called, for the buttons: "port". */
  noun: string
  onChange: (rows: T[]) => void
  make: () => T
  children: (row: T, index: number, change: (part: Partial<T>) => void) => ReactNode
  extra?: ReactNode
}) {
  return (
    <>
      {props.rows.map((row, index) => (
        <div key={row.key} className="flex items-start gap-2">
          <div className="min-w-0 flex-1">
            {props.children(row, index, (part) =>
              props.onChange(
                props.rows.map((each) => (each.key === row.key ? { ...each, ...part } : each)),
              ),
            )}
          </div>
          <Button
            variant="ghost"
            size="icon"
            aria-label={`Remove ${props.noun} ${index + 1}`}
            onClick={() => props.onChange(props.rows.filter((each) => each.key !== row.key))}
          >
            <X aria-hidden />
          </Button>
        </div>
      ))}
      <div className="flex flex-wrap gap-2">
        <Button size="sm" onClick={() => props.onChange([...props.rows, props.make()])}>
          <Plus aria-hidden /> Add {props.noun}
        </Button>
        {props.extra}
      </div>
    </>
  )
}

/** What is wrong with a row, below it. */
export function RowError({ words }: { words: string | undefined }) {
  return words === undefined ? null : (
    <p role="status" className="text-bad mt-1 text-xs">
      {words}
    </p>
  )
}
