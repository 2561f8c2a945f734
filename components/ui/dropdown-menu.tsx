'use client'
import { Check } from 'lucide-react'
import { DropdownMenu as Radix } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

export const DropdownMenuTrigger = Radix.Trigger
export const DropdownMenuRadioGroup = Radix.RadioGroup

/** Not modal, as menus are: a modal one hides the page, with the button that has opened it, from screen readers. */
export function DropdownMenu(props: ComponentProps<typeof Radix.Root>) {
  return <Radix.Root modal={false} {...props} />
}

export function DropdownMenuContent(props: ComponentProps<typeof Radix.Content>) {
  const { className, onCloseAutoFocus, ...rest } = props
  return (
    <Radix.Portal>
      <Radix.Content
        sideOffset={4}
        align="end"
        collisionPadding={8}
        className={cn(
          'rise bg-raised text-foreground shadow-raised z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 overflow-y-auto rounded-md border p-1',
          className,
        )}
        onCloseAutoFocus={(event) => {
          onCloseAutoFocus?.(event)
          leaveToDialog(event)
        }}
        {...rest}
      />
    </Radix.Portal>
  )
}

/**
 * The focus goes back to the menu's button, which it must not do when a dialog that was chosen from the menu has taken it: a
 * field that React gives the focus has it before Radix watches over the dialog, and does not get it back.
 */
function leaveToDialog(event: Event): void {
  const dialog = document.activeElement?.closest('[role=dialog], [role=alertdialog]')
  const menu = event.target instanceof Element ? event.target : null
  const button = document.getElementById(menu?.getAttribute('aria-labelledby') ?? '')
  if (dialog && !dialog.contains(button)) event.preventDefault()
}

const item =
  'relative flex items-center gap-2 rounded-sm px-2 py-1.5 text-sm outline-none select-none data-disabled:pointer-events-none data-disabled:opacity-50 data-highlighted:bg-accent [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-muted-foreground'

export function DropdownMenuItem({
  className,
  danger,
  ...props
}: ComponentProps<typeof Radix.Item> & { danger?: boolean }) {
  return (
    <Radix.Item className={cn(item, danger && 'text-bad [&_svg]:text-bad', className)} {...props} />
  )
}

export function DropdownMenuRadioItem({
  className,
  children,
  ...props
}: ComponentProps<typeof Radix.RadioItem>) {
  return (
    <Radix.RadioItem className={cn(item, 'pr-8', className)} {...props}>
      {children}
      <Radix.ItemIndicator className="absolute right-2">
        <Check aria-hidden />
      </Radix.ItemIndicator>
    </Radix.RadioItem>
  )
}

export function DropdownMenuLabel({ className, ...props }: ComponentProps<typeof Radix.Label>) {
  return (
    <Radix.Label
      className={cn('text-muted-foreground px-2 py-1.5 text-xs', className)}
      {...props}
    />
  )
}

export function DropdownMenuSeparator() {
  return <Radix.Separator className="bg-border -mx-1 my-1 h-px" />
}

export function DropdownMenuShortcut({ children }: { children: string }) {
  return <span className="text-muted-foreground ml-auto pl-4 font-mono text-xs">{children}</span>
}
