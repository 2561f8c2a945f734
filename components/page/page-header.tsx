import type { ReactNode } from 'react'

/** The top of a list page: its name, its filters, and what can be done. */
export function PageHeader({
  title,
  actions,
  children,
}: {
  title: string
  actions?: ReactNode
  children?: ReactNode
}) {
  return (
    <div className="bg-surface flex flex-col gap-2 border-b px-3 py-2.5 md:px-4">
      <div className="flex flex-wrap items-center gap-2">
        <h1 className="mr-2 text-base font-semibold">{title}</h1>
        {actions !== undefined && <div className="ml-auto flex items-center gap-2">{actions}</div>}
      </div>
      {children}
    </div>
  )
}
