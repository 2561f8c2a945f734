'use client'
import { Search, X } from 'lucide-react'
import type { ReactNode, Ref } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { cn } from '@/components/ui/cn.ts'
import { Input } from '@/components/ui/input.tsx'
import { conditions, stateOf, type Condition } from './state.ts'

export function FilterBox({
  value,
  onChange,
  label,
  placeholder,
  ref,
}: {
  value: string
  onChange: (value: string) => void
  label: string
  placeholder: string
  ref?: Ref<HTMLInputElement>
}) {
  return (
    <div className="relative min-w-44 flex-1 sm:max-w-lg">
      <Search
        className="text-muted-foreground pointer-events-none absolute top-2 left-2.5 size-4"
        aria-hidden
      />
      <Input
        ref={ref}
        aria-label={label}
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            onChange('')
            event.currentTarget.blur()
          } else if (event.key === 'Enter') event.currentTarget.blur()
        }}
        className="h-8 pr-8 pl-8"
      />
      {value !== '' && (
        <button
          type="button"
          aria-label="Clear the filter"
          onClick={() => onChange('')}
          className="text-muted-foreground hover:text-foreground absolute top-1.5 right-1.5 rounded-sm p-0.5"
        >
          <X className="size-4" aria-hidden />
        </button>
      )}
    </div>
  )
}

const words: Record<Condition, string> = {
  running: 'Running',
  unhealthy: 'Unhealthy',
  restarting: 'Restarting',
  paused: 'Paused',
  exited: 'Exited',
  created: 'Created',
  dead: 'Dead',
  removing: 'Removing',
}

/** One button per state that there is, with how many are in it. */
export function StateChips(props: {
  containers: ContainerSummary[]
  value: string
  onChange: (value: string) => void
}) {
  const counts = new Map<Condition, number>()
  for (const container of props.containers) {
    const { condition } = stateOf(container)
    counts.set(condition, (counts.get(condition) ?? 0) + 1)
  }
  const shown = conditions.filter(
    (condition) =>
      (counts.get(condition) ?? 0) > 0 ||
      condition === props.value ||
      condition === 'running' ||
      condition === 'exited',
  )
  return (
    <Chips label="States">
      <Chip
        word="All"
        number={props.containers.length}
        pressed={props.value === ''}
        onPress={() => props.onChange('')}
      />
      {shown.map((condition) => (
        <Chip
          key={condition}
          word={words[condition]}
          number={counts.get(condition) ?? 0}
          pressed={props.value === condition}
          onPress={() => props.onChange(props.value === condition ? '' : condition)}
        />
      ))}
    </Chips>
  )
}

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
        <span className="tabular text-xs opacity-80">{props.number}</span>
      )}
    </button>
  )
}
