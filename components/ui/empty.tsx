import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

/** What stands where a list has nothing: what would be here, and the next steps. */
export function Empty(props: {
  icon: LucideIcon
  title: string
  children?: ReactNode
  actions?: ReactNode
}) {
  const { icon: Icon } = props
  return (
    <div className="flex flex-col items-center px-6 py-14 text-center">
      <span className="bg-muted text-muted-foreground mb-4 flex size-12 items-center justify-center rounded-full">
        <Icon className="size-6" aria-hidden />
      </span>
      <h2 className="text-base font-semibold">{props.title}</h2>
      <div className="text-muted-foreground mt-1 max-w-md text-sm">{props.children}</div>
      {props.actions !== undefined && (
        <div className="mt-5 flex max-w-full flex-wrap items-center justify-center gap-2">
          {props.actions}
        </div>
      )}
    </div>
  )
}
