'use client'
import { Switch as Radix } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

export function Switch({ className, ...props }: ComponentProps<typeof Radix.Root>) {
  return (
    <Radix.Root
      className={cn(
        'border-input bg-muted data-[state=checked]:border-primary data-[state=checked]:bg-primary inline-flex h-5 w-9 shrink-0 items-center rounded-full border px-0.5 transition-colors disabled:opacity-50',
        className,
      )}
      {...props}
    >
      <Radix.Thumb className="bg-muted-foreground data-[state=checked]:bg-primary-foreground block size-3.5 rounded-full transition-transform data-[state=checked]:translate-x-4" />
    </Radix.Root>
  )
}
