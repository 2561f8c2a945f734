import type { ReactNode } from 'react'

/**
 * The top of a list page: its filter, what can be done, and below them a row of chips. The breadcrumb shows the title
 * already, so here it is for screen readers only.
 */
export function PageHeader(props: {
  title: string
  filter: ReactNode
  chips?: ReactNode
  actions?: ReactNode
}) {
  return (
    <div className="bg-surface flex flex-col gap-2 border-b px-3 py-2.5 md:px-4">
      <h1 className="sr-only">{props.title}</h1>
      <div className="flex flex-wrap items-center gap-2">
        {props.filter}
        <div className="ml-auto flex items-center gap-2">{props.actions}</div>
      </div>
      {props.chips}
    </div>
  )
}
