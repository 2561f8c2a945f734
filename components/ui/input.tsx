import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

const look =
  'w-full rounded-md border border-input bg-surface px-3 text-sm text-foreground placeholder:text-muted-foreground/80 disabled:cursor-not-allowed disabled:opacity-50 aria-invalid:border-bad focus-visible:outline-offset-0'

export function Input({ className, ...props }: ComponentProps<'input'>) {
  return <input className={cn(look, 'h-9', className)} {...props} />
}

export function Textarea({ className, ...props }: ComponentProps<'textarea'>) {
  return (
    <textarea className={cn(look, 'min-h-20 py-2 font-mono text-[13px]', className)} {...props} />
  )
}
