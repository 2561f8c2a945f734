import { useId, type ReactNode } from 'react'
import { Label as RadixLabel } from 'radix-ui'
import { cn } from './cn.ts'

/**
 * A label, its control, and below it a hint or what is wrong with the value. The control gets `id`,
 * `aria-describedby` and `aria-invalid` handed over so that a screen reader says all three together.
 */
export function Field(props: {
  label: string
  hint?: ReactNode
  error?: string | undefined
  className?: string
  /** The label is read out but not shown. */
  hideLabel?: boolean
  children: (control: {
    id: string
    'aria-describedby': string | undefined
    'aria-invalid': boolean
  }) => ReactNode
}) {
  const id = useId()
  const noteId = `${id}-note`
  const hasNote = props.error !== undefined || props.hint !== undefined
  return (
    <div className={cn('flex min-w-0 flex-col gap-1.5', props.className)}>
      <Label htmlFor={id} className={props.hideLabel ? 'sr-only' : undefined}>
        {props.label}
      </Label>
      {props.children({
        id,
        'aria-describedby': hasNote ? noteId : undefined,
        'aria-invalid': props.error !== undefined,
      })}
      {hasNote && (
        <p
          id={noteId}
          className={cn(
            'text-xs',
            props.error === undefined ? 'text-muted-foreground' : 'text-bad',
          )}
        >
          {props.error ?? props.hint}
        </p>
      )}
    </div>
  )
}

export function Label({ className, ...props }: React.ComponentProps<typeof RadixLabel.Root>) {
  return <RadixLabel.Root className={cn('text-[13px] font-medium', className)} {...props} />
}
