'use client'
import { AlertDialog as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { useFocusReturn } from './use-focus-return.ts'

/**
 * Asks before something that cannot be undone. The focus starts on Cancel and the red button carries the verb and
 * what it is done to. It stays open while `busy` and when it failed: close it from `onConfirm`.
 */
export function ConfirmDialog(props: {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  description: ReactNode
  children?: ReactNode
  verb: string
  busy?: boolean
  disabled?: boolean
  onConfirm: () => void
}) {
  const onCloseAutoFocus = useFocusReturn()
  return (
    <Radix.Root open={props.open} onOpenChange={props.onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="appear bg-overlay fixed inset-0 z-50" />
        <Radix.Content
          onCloseAutoFocus={onCloseAutoFocus}
          className="rise bg-raised shadow-raised fixed top-1/2 left-1/2 z-50 flex max-h-[85dvh] w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2 -translate-y-1/2 flex-col rounded-lg border"
        >
          <div className="px-5 pt-4">
            <Radix.Title className="text-base font-semibold">{props.title}</Radix.Title>
            <Radix.Description asChild>
              <div className="text-muted-foreground mt-1.5 text-sm">{props.description}</div>
            </Radix.Description>
          </div>
          <div className="flex min-h-0 flex-col gap-3 overflow-y-auto px-5 pt-3 pb-4">
            {props.children}
          </div>
          <footer className="flex flex-wrap justify-end gap-2 border-t px-5 py-3">
            {/* First in the order, so Radix puts the focus here. */}
            <Radix.Cancel asChild>
              <Button>Cancel</Button>
            </Radix.Cancel>
            <Button
              variant="danger"
              busy={props.busy ?? false}
              disabled={props.disabled ?? false}
              onClick={props.onConfirm}
            >
              {props.verb}
            </Button>
          </footer>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
