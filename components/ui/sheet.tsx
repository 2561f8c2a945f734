'use client'
import { Dialog as Radix } from 'radix-ui'
import type { ComponentProps, ReactNode } from 'react'
import { cn } from './cn.ts'
import { DialogHeader } from './dialog-header.tsx'
import { useFocusReturn } from './use-focus-return.ts'

export const Sheet = Radix.Root

/** A panel that comes in from the right (or bottom, left) over the page. */
export function SheetContent(
  props: Omit<ComponentProps<typeof Radix.Content>, 'title'> & {
    title: ReactNode
    description?: ReactNode
    side?: 'right' | 'left' | 'bottom'
  },
) {
  const {
    title,
    description,
    side = 'right',
    className,
    children,
    onCloseAutoFocus,
    ...rest
  } = props
  const giveBack = useFocusReturn()
  return (
    <Radix.Portal>
      <Radix.Overlay className="appear bg-overlay fixed inset-0 z-50" />
      <Radix.Content
        {...(description === undefined ? { 'aria-describedby': undefined } : {})}
        className={cn(
          'bg-raised shadow-raised fixed z-50 flex flex-col outline-none',
          side === 'right' && 'slide-in inset-y-0 right-0 w-full max-w-xl border-l',
          side === 'left' && 'appear inset-y-0 left-0 w-64 border-r',
          side === 'bottom' && 'rise inset-x-0 bottom-0 max-h-[80dvh] rounded-t-lg border-t',
          className,
        )}
        onCloseAutoFocus={(event) => {
          onCloseAutoFocus?.(event)
          giveBack(event)
        }}
        {...rest}
      >
        <DialogHeader
          title={title}
          description={description}
          className="border-b py-3"
          titleClassName="truncate"
        />
        <div className="min-h-0 flex-1 overflow-y-auto">{children}</div>
      </Radix.Content>
    </Radix.Portal>
  )
}
