import { CircleAlert, Info, TriangleAlert, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { cn } from './cn.ts'

const looks: Record<'error' | 'warning' | 'info', { icon: LucideIcon; box: string; mark: string }> =
  {
    error: { icon: CircleAlert, box: 'border-bad/40 bg-bad/8', mark: 'text-bad' },
    warning: { icon: TriangleAlert, box: 'border-warn/40 bg-warn/8', mark: 'text-warn' },
    info: { icon: Info, box: 'border-link/40 bg-link/8', mark: 'text-link' },
  }

/** Something to know, in words, that stays where it happened: what happened, then the cause or the next step. */
export function Notice(props: {
  kind?: 'error' | 'warning' | 'info'
  title: ReactNode
  children?: ReactNode
  actions?: ReactNode
  className?: string
}) {
  const { icon: Icon, box, mark } = looks[props.kind ?? 'error']
  return (
    <div
      role={props.kind === 'info' ? 'note' : 'alert'}
      className={cn(
        'flex items-start gap-2.5 rounded-md border px-3 py-2.5 text-sm',
        box,
        props.className,
      )}
    >
      <Icon className={cn('mt-0.5 size-4 shrink-0', mark)} aria-hidden />
      <div className="min-w-0 flex-1 break-words">
        <div className="font-medium">{props.title}</div>
        {props.children !== undefined && (
          <div className="text-muted-foreground mt-0.5 text-[13px]">{props.children}</div>
        )}
      </div>
      {props.actions}
    </div>
  )
}
