'use client'
import { Search, X } from 'lucide-react'
import type { Ref } from 'react'
import { Input } from '@/components/ui/input.tsx'

/** Where a list is filtered by words; Escape empties it. */
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
          className="text-muted-foreground hover:text-foreground absolute top-1 right-1 grid size-6 place-items-center rounded-sm"
        >
          <X className="size-4" aria-hidden />
        </button>
      )}
    </div>
  )
}
