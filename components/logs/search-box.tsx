'use client'
import { ArrowDown, ArrowUp, CaseSensitive, ListFilter, Regex, Search, X } from 'lucide-react'
import type { KeyboardEvent, RefObject } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import type { LogSearch } from './use-search.ts'

/** The search field of a log or terminal: text, how to look for it, and the way from match to match. */
export function SearchBox(props: {
  field: RefObject<HTMLInputElement | null>
  search: LogSearch
  onChange: (change: Partial<LogSearch>) => void
  error: string | undefined
  /** Matches in all, and the one it stands on (from 0, null before the first step). */
  matches: number
  position: number | null
  onStep: (direction: 1 | -1) => void
  label?: string
  /** Without the choice to show only what matches. */
  filters?: boolean
  onEscape?: () => void
}) {
  const { label = 'Search logs', filters = true } = props
  const { field, search, onChange, error, matches, position, onStep, onEscape } = props
  const active = search.text !== ''
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault()
      onStep(event.shiftKey ? -1 : 1)
    } else if (event.key === 'Escape') {
      event.stopPropagation()
      onChange({ text: '' })
      if (onEscape) onEscape()
      else field.current?.blur()
    }
  }
  return (
    <div role="search" className="flex min-w-0 flex-1 basis-72 items-center gap-1">
      <div
        className={cn(
          'border-input bg-surface focus-within:outline-ring flex h-8 min-w-0 flex-1 items-center rounded-md border pl-2 focus-within:outline-2 sm:max-w-md',
          error !== undefined && 'border-bad',
        )}
      >
        <Search className="text-muted-foreground size-4 shrink-0" aria-hidden />
        <input
          ref={field}
          type="text"
          value={search.text}
          onChange={(event) => onChange({ text: event.target.value })}
          onKeyDown={onKeyDown}
          placeholder="Search"
          aria-label={label}
          aria-invalid={error !== undefined}
          spellCheck={false}
          className="h-full min-w-0 flex-1 bg-transparent px-2 text-[13px] outline-none"
        />
        {active && (
          <span
            role="status"
            className={cn(
              'tabular shrink-0 px-1 text-xs',
              error ? 'text-bad' : 'text-muted-foreground',
            )}
          >
            {error ?? counted(matches, position)}
          </span>
        )}
        {active && (
          <Toggle label="Clear search" pressed={undefined} onClick={() => onChange({ text: '' })}>
            <X aria-hidden />
          </Toggle>
        )}
        <Toggle
          label="Match case"
          pressed={search.matchCase}
          onClick={() => onChange({ matchCase: !search.matchCase })}
        >
          <CaseSensitive aria-hidden />
        </Toggle>
        <Toggle
          label="Regular expression"
          pressed={search.regex}
          onClick={() => onChange({ regex: !search.regex })}
        >
          <Regex aria-hidden />
        </Toggle>
        {filters && (
          <Toggle
            label="Show only matching lines"
            pressed={search.filter}
            onClick={() => onChange({ filter: !search.filter })}
          >
            <ListFilter aria-hidden />
          </Toggle>
        )}
      </div>
      {active && (
        <>
          <Button
            size="icon-sm"
            variant="ghost"
            aria-label="Previous match"
            title="Previous match (Shift+Enter)"
            disabled={matches === 0}
            onClick={() => onStep(-1)}
          >
            <ArrowUp aria-hidden />
          </Button>
          <Button
            size="icon-sm"
            variant="ghost"
            aria-label="Next match"
            title="Next match (Enter)"
            disabled={matches === 0}
            onClick={() => onStep(1)}
          >
            <ArrowDown aria-hidden />
          </Button>
        </>
      )}
    </div>
  )
}

function counted(matches: number, position: number | null): string {
  if (matches === 0) return 'no match'
  const all = matches.toLocaleString('en')
  return position === null ? all : `${(position + 1).toLocaleString('en')} / ${all}`
}

function Toggle(props: {
  label: string
  pressed: boolean | undefined
  onClick: () => void
  children: React.ReactNode
}) {
  return (
    <button
      type="button"
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      onClick={props.onClick}
      className={cn(
        'text-muted-foreground hover:bg-accent mx-px flex h-6.5 w-7 shrink-0 items-center justify-center rounded-sm [&_svg]:size-4',
        props.pressed === true && 'bg-primary text-primary-foreground hover:bg-primary/90',
      )}
    >
      {props.children}
    </button>
  )
}
