'use client'
import type { ReactNode } from 'react'
import { count } from '@/components/ui/format.ts'
import { ScrollList } from '@/components/ui/scroll-list.tsx'
import { ConfirmAction } from './confirm-action.tsx'

/** Shows exactly what would go before it goes. */
export function PruneDialog(props: {
  noun: string
  description: ReactNode
  items: { key: string; name: ReactNode; detail?: ReactNode }[]
  children?: ReactNode
  disabled?: boolean
  /** @returns what was gained, to be said */
  onPrune: () => Promise<string>
  onClose: () => void
}) {
  const what = count(props.items.length, props.noun)
  return (
    <ConfirmAction
      title={props.items.length === 0 ? `No ${props.noun} to prune` : `Prune ${what}?`}
      description={props.description}
      verb={`Remove ${what}`}
      disabled={props.items.length === 0 || props.disabled === true}
      act={props.onPrune}
      failureTitle="It could not be pruned"
      onClose={props.onClose}
    >
      {props.items.length > 0 && (
        <ScrollList
          aria-label="To be removed"
          className="bg-muted max-h-64 divide-y rounded-md border px-3 text-sm"
        >
          {props.items.map((item) => (
            <li key={item.key} className="flex items-center justify-between gap-3 py-1.5">
              <span className="min-w-0 wrap-anywhere">{item.name}</span>
              <span className="text-muted-foreground shrink-0 text-xs">{item.detail}</span>
            </li>
          ))}
        </ScrollList>
      )}
      {props.children}
    </ConfirmAction>
  )
}
