'use client'
import { Dialog as Radix } from 'radix-ui'
import type { ComponentProps, ReactNode } from 'react'
import { cn } from './cn.ts'
import { DialogHeader } from './dialog-header.tsx'
import { useFocusReturn } from './use-focus-return.ts'

export const Dialog = Radix.Root
export const DialogClose = Radix.Close

/** The box in the middle with its title; give a description, or say `describedBy={undefined}` by leaving it out. */
export function DialogContent(
  props: Omit<ComponentProps<typeof Radix.Content>, 'title'> & {
    title: ReactNode
    description?: ReactNode
    footer?: ReactNode
  },
) {
  const { title, description, footer, className, children, onCloseAutoFocus, ...rest } = props
  const giveBack = useFocusReturn()
  return (
    <Radix.Portal>
      <Radix.Overlay className="appear bg-overlay fixed inset-0 z-50" />
      <Radix.Content
        {...(description === undefined ? { 'aria-describedby': undefined } : {})}
        className={cn(
          'rise bg-raised shadow-raised fixed top-1/2 left-1/2 z-50 flex max-h-[min(90dvh,48rem)] w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2 -translate-y-1/2 flex-col rounded-lg border outline-none',
          className,
        )}
        onCloseAutoFocus={(event) => {
          onCloseAutoFocus?.(event)
          giveBack(event)
        }}
        {...rest}
      >
        <DialogHeader title={title} description={description} className="pt-4 pb-3" />
        <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-4">{children}</div>
        {footer !== undefined && <DialogFooter>{footer}</DialogFooter>}
      </Radix.Content>
    </Radix.Portal>
  )
}

function DialogFooter({ children }: { children: ReactNode }) {
  return <footer className="flex flex-wrap justify-end gap-2 border-t px-5 py-3">{children}</footer>
}
