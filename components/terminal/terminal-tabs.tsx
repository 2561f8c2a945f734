'use client'
import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import { cn } from '@/components/ui/cn.ts'
import { tabName, type TabsAction, type TerminalTabs } from './tabs-store.ts'

/** The open sessions: a click shows one, a double click or F2 gives it a name, Delete ends it. */
export function TerminalTabBar(props: {
  state: TerminalTabs
  act: (action: TabsAction) => void
  onClose: (key: string) => void
}) {
  const { state, act } = props
  const [editing, setEditing] = useState<string | null>(null)
  return (
    // a list, not tabs: each has a second button beside it
    <ul aria-label="Terminal sessions" className="flex min-w-0 items-stretch gap-1 overflow-x-auto">
      {state.tabs.map((tab) => {
        const name = tabName(state.tabs, tab)
        const active = state.active === tab.key
        return (
          <li
            key={tab.key}
            className={cn(
              'flex h-8 shrink-0 items-center rounded-md border border-transparent text-[13px]',
              active ? 'border-border bg-accent' : 'text-muted-foreground hover:bg-accent/60',
            )}
          >
            {editing === tab.key ? (
              <input
                autoFocus
                aria-label="Name of the session"
                defaultValue={name}
                maxLength={40}
                className="bg-surface h-7 w-32 rounded-sm px-2"
                onBlur={(event) => {
                  act({ type: 'rename', key: tab.key, name: event.target.value })
                  setEditing(null)
                }}
                onKeyDown={(event) => {
                  if (event.key === 'Enter') event.currentTarget.blur()
                  if (event.key === 'Escape') setEditing(null)
                }}
              />
            ) : (
              <button
                type="button"
                aria-current={active}
                title="Double click to rename"
                className="h-full max-w-48 truncate pr-1 pl-3"
                onClick={() => act({ type: 'show', key: tab.key })}
                onDoubleClick={() => setEditing(tab.key)}
                onKeyDown={(event) => {
                  if (event.key === 'F2') setEditing(tab.key)
                  if (event.key === 'Delete') props.onClose(tab.key)
                }}
              >
                {name}
              </button>
            )}
            <button
              type="button"
              aria-label={`Close ${name}`}
              title={
                tab.request.kind === 'attach' ? 'Detach and close' : 'End the session and close'
              }
              className="hover:bg-background mr-1 flex size-6 items-center justify-center rounded-sm"
              onClick={() => props.onClose(tab.key)}
            >
              <X className="size-3.5" aria-hidden />
            </button>
          </li>
        )
      })}
      <li className="flex">
        <button
          type="button"
          aria-label="New session"
          title="New session"
          aria-pressed={state.active === null}
          className={cn(
            'text-muted-foreground hover:bg-accent flex size-8 shrink-0 items-center justify-center rounded-md',
            state.active === null && 'bg-accent text-foreground',
          )}
          onClick={() => act({ type: 'show', key: null })}
        >
          <Plus className="size-4" aria-hidden />
        </button>
      </li>
    </ul>
  )
}
