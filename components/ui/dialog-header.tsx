'use client'
import { X } from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { cn } from './cn.ts'

/** The title of a dialog or sheet, what it is about, and the button that closes it. */
export function DialogHeader(props: {
  title: ReactNode
  description: ReactNode
  className: string
  titleClassName?: string
}) {
  return (
    <header className={cn('flex items-start gap-4 px-5', props.className)}>
      <div className="min-w-0 flex-1">
        <Radix.Title className={cn('text-base font-semibold', props.titleClassName)}>
          {props.title}
        </Radix.Title>
        {props.description !== undefined && (
          <Radix.Description className="text-muted-foreground mt-0.5 text-[13px] wrap-anywhere">
            {props.description}
          </Radix.Description>
        )}
      </div>
      <Radix.Close asChild>
        <Button variant="ghost" size="icon-sm" aria-label="Close" className="-mt-1 -mr-2">
          <X aria-hidden />
        </Button>
      </Radix.Close>
    </header>
  )
}
