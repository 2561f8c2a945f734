'use client'
import type { ReactNode } from 'react'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Notice } from '@/components/ui/notice.tsx'

/** Beside a form: the same as a line for a shell, what stands in its way, and the button that runs it. */
export function CommandPanel(props: {
  title: string
  /** what the line is, like `docker run line` */
  label: string
  /** what is copied; undefined while the form is not whole */
  line: string | undefined
  /** the line as it is shown, if not as it is copied */
  shown?: string | undefined
  problem: string | undefined
  failureTitle: string
  failure: string | undefined
  children: ReactNode
}) {
  const { label, line, problem, failure } = props
  return (
    <aside aria-label="As a command" className="flex flex-col gap-3 lg:sticky lg:top-4">
      <Card aria-label="What will be run">
        <CardHeader
          title={props.title}
          actions={line !== undefined && <CopyButton text={line} label={`Copy the ${label}`} />}
        />
        <pre
          role="region"
          aria-label={label}
          tabIndex={0}
          className="max-h-72 overflow-auto p-4 font-mono text-xs leading-relaxed break-words whitespace-pre-wrap"
        >
          {props.shown ?? line ?? (
            <span className="text-muted-foreground">Appears when the form is complete.</span>
          )}
        </pre>
      </Card>
      {problem !== undefined && <Notice kind="warning" title={problem} />}
      {failure !== undefined && <Notice title={props.failureTitle}>{failure}</Notice>}
      <div className="flex flex-col">{props.children}</div>
    </aside>
  )
}
