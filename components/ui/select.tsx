'use client'
import { Check, ChevronDown } from 'lucide-react'
import { Select as Radix } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

export interface SelectOption {
  value: string
  label: string
  hint?: string
  disabled?: boolean
}

/** A choice of one from a short list. Values must not be empty strings. */
export function Select(props: {
  id?: string
  value: string
  onValueChange: (value: string) => void
  options: SelectOption[]
  'aria-label'?: string
  'aria-describedby'?: string | undefined
  'aria-invalid'?: boolean
  disabled?: boolean
  placeholder?: string
  size?: 'sm' | 'md'
  className?: string
}) {
  return (
    <Radix.Root
      value={props.value}
      onValueChange={props.onValueChange}
      {...(props.disabled === undefined ? {} : { disabled: props.disabled })}
    >
      <Radix.Trigger
        id={props.id}
        aria-label={props['aria-label']}
        aria-describedby={props['aria-describedby']}
        aria-invalid={props['aria-invalid']}
        className={cn(
          'border-input bg-surface flex w-full min-w-0 items-center justify-between gap-2 rounded-md border px-3 text-sm disabled:opacity-50',
          props.size === 'sm' ? 'h-8 text-[13px]' : 'h-9',
          props.className,
        )}
      >
        <span className="truncate">
          <Radix.Value placeholder={props.placeholder} />
        </span>
        <ChevronDown className="text-muted-foreground size-4 shrink-0" aria-hidden />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          position="popper"
          sideOffset={4}
          className="rise bg-raised text-foreground shadow-raised z-50 max-h-(--radix-select-content-available-height) min-w-(--radix-select-trigger-width) overflow-hidden rounded-md border"
        >
          <Radix.Viewport className="p-1">
            {props.options.map((option) => (
              <Item key={option.value} value={option.value} disabled={option.disabled ?? false}>
                <Radix.ItemText>{option.label}</Radix.ItemText>
                {option.hint !== undefined && (
                  <span className="text-muted-foreground ml-2 text-xs">{option.hint}</span>
                )}
              </Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

function Item({ children, ...props }: ComponentProps<typeof Radix.Item>) {
  return (
    <Radix.Item
      className="data-highlighted:bg-accent flex items-center rounded-sm py-1.5 pr-8 pl-2 text-sm outline-none select-none data-disabled:opacity-50"
      {...props}
    >
      {children}
      <Radix.ItemIndicator className="absolute right-3">
        <Check className="size-4" aria-hidden />
      </Radix.ItemIndicator>
    </Radix.Item>
  )
}
